// Niceties only: the page is whole without them.
(() => {
  "use strict";
  const words = document.currentScript.dataset;

  // A button that copies a block of code.
  const copyButton = (block) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = words.copied;
      setTimeout(() => { button.textContent = words.copy; }, 2000);
    });
    block.append(button);
  };
  if (navigator.clipboard) {
    document.querySelectorAll(".highlight:has(code)").forEach(copyButton);
  }

  // Code that is wider than its block can be scrolled with the keyboard.
  document.querySelectorAll(".prose pre").forEach((block) => { block.tabIndex = 0; });

  // The section being read, marked in the contents: the last heading above the upper third of the window.
  const links = [...document.querySelectorAll(".margin-contents a")];
  const headings = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  if (links.length && headings.every(Boolean)) {
    let marked;
    const mark = () => {
      const line = innerHeight / 3;
      const passed = headings.filter((heading) => heading.getBoundingClientRect().top < line).length;
      const next = links[passed - 1];
      if (next === marked) return;
      marked?.removeAttribute("aria-current");
      next?.setAttribute("aria-current", "location");
      marked = next;
    };
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; mark(); });
    }, { passive: true });
    mark();
  }

  // Footnotes beside the line that calls them; the style sheet shows them where the margin has room.
  const prose = document.querySelector(".sheet .prose");
  prose?.querySelectorAll("a.footnote-ref").forEach((call) => {
    const note = document.getElementById(decodeURIComponent(call.hash.slice(1)));
    const block = call.closest("p, li, dd");
    if (!note || !block || call.closest("table, figure, aside")) return;
    const side = document.createElement("small");
    side.className = "side-note";
    side.setAttribute("role", "note");
    side.append(`${call.textContent} `);
    note.querySelectorAll("p").forEach((paragraph) => {
      const copy = paragraph.cloneNode(true);
      copy.querySelector(".footnote-backref")?.remove();
      side.append(...copy.childNodes, " ");
    });
    block.prepend(side);
    prose.classList.add("has-side-notes");
  });
})();

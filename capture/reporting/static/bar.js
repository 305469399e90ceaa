// The writer's bar: what the open page has brought, at the lower edge of a preview. Every word it shows is text, the page
// makes room for it, and no built site has it.

const PAUSE = 10_000; // milliseconds between two looks
const source = new URL("bar.json", import.meta.url);
source.searchParams.set("path", location.pathname);

const host = document.createElement("obverse-bar");
const root = host.attachShadow({ mode: "open" });
const bar = element("aside", { className: "bar" });
const lines = element("p", { className: "lines" });
const links = element("p", { className: "links" });
const close = element("button", { type: "button", className: "close", textContent: "×" });
bar.setAttribute("part", "bar");
bar.append(lines, links, close);
root.append(element("link", { rel: "stylesheet", href: new URL("bar.css", import.meta.url).href }), bar);

let told = "";
let closed = false; // for this page in this tab, and kept nowhere
let timer;

close.addEventListener("click", () => {
  closed = true;
  clearTimeout(timer);
  host.remove();
  room.disconnect();
  document.body.style.removeProperty("padding-block-end");
  document.documentElement.style.removeProperty("scroll-padding-block-end");
});

// The page ends above the bar, and what is focused by a key is never scrolled under it.
const own = parseFloat(getComputedStyle(document.body).paddingBlockEnd) || 0;
const room = new ResizeObserver(() => {
  const height = bar.getBoundingClientRect().height;
  document.body.style.setProperty("padding-block-end", `${own + height}px`);
  document.documentElement.style.setProperty("scroll-padding-block-end", `${height + 8}px`);
});

async function look() {
  clearTimeout(timer);
  if (closed || document.hidden) return;
  try {
    const answer = await fetch(source, { cache: "no-store", headers: { Accept: "application/json" } });
    if (answer.ok && !closed) show(await answer.text());
  } catch {
    // The preview has ended or starts again: what was said last stands.
  }
  timer = setTimeout(look, PAUSE);
}

function show(text) {
  if (text === told) return;
  told = text;
  const state = JSON.parse(text);
  bar.setAttribute("aria-label", state.label);
  close.setAttribute("aria-label", state.close);
  close.title = state.close;
  lines.replaceChildren(...state.lines.map((line) => element("span", { textContent: line })));
  links.replaceChildren(...state.links.map(({ text: textContent, href }) => element("a", { textContent, href })));
  if (!host.isConnected) {
    document.body.append(host);
    room.observe(bar);
  }
}

function element(name, values) {
  return Object.assign(document.createElement(name), values);
}

document.addEventListener("visibilitychange", look);
look();

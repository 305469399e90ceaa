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
const style = element("link", { rel: "stylesheet", href: new URL("bar.css", import.meta.url).href });
bar.setAttribute("part", "bar");
bar.hidden = true; // until its style is here: before that it stands nowhere, and no room can be made for it
bar.append(lines, links, close);
root.append(style, bar);

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
const room = new ResizeObserver(makeRoom);

style.addEventListener("load", () => {
  if (closed) return;
  bar.hidden = false;
  makeRoom();
  room.observe(bar);
});

function makeRoom() {
  const height = bar.getBoundingClientRect().height;
  document.body.style.setProperty("padding-block-end", `${own + height}px`);
  document.documentElement.style.setProperty("scroll-padding-block-end", `${height + 8}px`);
  uncover(document.activeElement, innerHeight - height);
}

// What has the focus already when the bar comes, or grows, is not left beneath it.
function uncover(focused, edge) {
  if (!focused || focused === document.body) return;
  const box = focused.getBoundingClientRect();
  if (box.top < innerHeight && box.bottom > edge) focused.scrollIntoView({ block: "nearest" });
}

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
  if (!host.isConnected) document.body.append(host);
}

function element(name, values) {
  return Object.assign(document.createElement(name), values);
}

document.addEventListener("visibilitychange", look);
look();

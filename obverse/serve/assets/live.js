// Keeps an open page and the site together: told of a build, it swaps the stylesheets or loads the page again, and it
// shows the problems that keep the site from being built. `obverse serve` adds it to every page; no built site has it.

import { show } from "./overlay.js";

const LONGEST = 4000; // milliseconds between two attempts to find the server again

const script = document.querySelector('script[src="/_ob/live.js"]');
const { shape, serial } = script.dataset;
let build = script.dataset.build;
let turn = Promise.resolve(); // states are taken one after the other, in the order they came
let leaving = false;

function take(state) {
  turn = turn.then(() => settle(state)).catch(() => {}); // a server that ends in the middle is found again by connect()
}

async function settle(state) {
  if (leaving) return;
  if (serial !== undefined) {
    if (String(state.serial) !== serial) leave(); // this is the page of problems itself
    return;
  }
  if (state.build !== build) await renew(state);
  if (!leaving) show(state);
}

// The place that was read is handed over with the page's own history entry: what a browser keeps by itself is written
// down about once a second, so a reload soon after scrolling would go back to where one was before.
function leave() {
  leaving = true;
  history.scrollRestoration = "manual";
  history.replaceState({ ...history.state, obversePlace: [scrollX, scrollY] }, "");
  location.reload();
}

function arrive() {
  const { obversePlace: place, ...rest } = history.state ?? {};
  if (!place) return;
  history.replaceState(Object.keys(rest).length ? rest : null, "");
  const moves = new AbortController(); // a reader who has moved on while pictures came is not pulled back
  const options = { passive: true, signal: moves.signal };
  let moved = !location.hash && scrollX + scrollY > 0; // somewhere else than at the top before anybody was here
  let put; // where the page was put, and how high it was
  const back = () => {
    if (moved) return;
    scrollTo({ left: place[0], top: place[1], behavior: "instant" });
    put = [scrollX, scrollY, document.documentElement.scrollHeight];
  };
  const rested = () => {
    back(); // pictures have their height now
    moves.abort();
    setTimeout(() => (history.scrollRestoration = "auto")); // at once, and the browser would go back to its own place
  };
  for (const move of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(move, () => (moved = true), options);
  // A scrollbar says no more than this, nor does a wheel that turned just before. A page that grows moves by itself.
  addEventListener("scroll", () => (moved ||= elsewhere(put)), options);
  back();
  if (document.readyState === "complete") rested();
  else addEventListener("load", rested, { once: true });
}

const elsewhere = ([left, top, height]) =>
  height === document.documentElement.scrollHeight && Math.abs(scrollX - left) + Math.abs(scrollY - top) > 1;

// A build that changed no more than styles changes nothing here but the links to them.
async function renew(state) {
  if (state.since !== build || state.changed.files) return leave();
  const { changed } = state;
  if (changed.pages || changed.styles) {
    const answer = await fetch(location.href, { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const own = fresh.querySelector('script[src="/_ob/live.js"]');
    const now = sheets(document);
    const then = sheets(fresh);
    if (own?.dataset.shape !== shape || now.length !== then.length) return leave();
    restyle(now, then.map((link) => link.getAttribute("href")), changed.styles ? state.build : "");
  }
  build = state.build;
}

const sheets = (page) => [...page.querySelectorAll('link[rel~="stylesheet"]')];

function restyle(links, names, mark) {
  const moved = links.some((link, at) => bare(link.getAttribute("href")) !== names[at]);
  links.forEach((link, at) => {
    const name = names[at];
    if (moved ? bare(link.getAttribute("href")) === name : !mark) return;
    const next = link.cloneNode();
    next.href = moved ? name : `${name}${name.includes("?") ? "&" : "?"}_ob=${mark}`;
    next.onload = next.onerror = () => link.remove(); // both stand for a moment, so the page is never bare
    link.after(next);
  });
}

const bare = (name) => name.replace(/[?&]_ob=[^&]*$/, "");

function connect(pause = 250) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/livereload`);
  const send = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => {
    pause = 250;
    send({ command: "hello", protocols: ["http://livereload.com/protocols/official-7", "obverse"] });
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.command === "hello") send({ command: "info", url: location.href });
    else if (message.build) take(message);
  };
  socket.onclose = () => setTimeout(connect, pause, Math.min(pause * 2, LONGEST));
}

arrive();
// The socket opens after this answer is here: of two at once the older could come last, and close what the newer showed.
fetch("/_ob/problems.json", { cache: "no-store" })
  .then((answer) => answer.json())
  .then(take)
  .catch(() => {})
  .finally(() => connect());

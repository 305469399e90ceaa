// The inbox, quicker: an inquiry opens beside the list, keys, arrivals. All of it also works without this file.
(() => {
  "use strict";
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html");
  const wide = matchMedia("(min-width: 62rem)");
  const desk = find(".desk");
  const pane = find(".pane");
  const live = find("#live");
  const title = document.title;
  let unseen = 0;

  const tell = (text) => { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 50); };
  const count = (more) => {
    unseen = more ? unseen + more : 0;
    document.title = unseen ? `(${unseen}) ${title}` : title;
  };

  // Where a session has ended, the answer is another page: go there instead of showing a piece of it.
  const ask = async (url, options = {}) => {
    const answer = await fetch(url, { cache: "no-store", ...options });
    if (answer.redirected && /\/inbox\/login/.test(answer.url)) location.assign(answer.url);
    return answer;
  };

  // --- the pane ---

  const drafts = new Map();
  const texts = (root) => all("textarea, input[type=text], input:not([type])", root);
  const keepDrafts = () => {
    const sheet = find(".inquiry", pane);
    if (!sheet) return;
    for (const field of texts(sheet)) {
      const name = `${sheet.dataset.id} ${field.id}`;
      if (field.value === field.defaultValue) drafts.delete(name);
      else drafts.set(name, field.value);
    }
  };
  const restoreDrafts = () => {
    const sheet = find(".inquiry", pane);
    for (const field of sheet ? texts(sheet) : []) {
      const draft = drafts.get(`${sheet.dataset.id} ${field.id}`);
      if (draft === undefined) continue;
      field.value = draft;
      field.closest("details")?.setAttribute("open", "");
    }
  };
  addEventListener("beforeunload", (event) => {
    if (texts(document).some((field) => field.closest(".act") && field.value !== field.defaultValue)) event.preventDefault();
  });

  const rows = () => all(".row");
  const rowOf = (id) => rows().find((row) => row.dataset.id === id);
  const here = () => find(".row.opened") || find(".row.here");
  const mark = (row, name) => {
    for (const one of rows()) {
      one.classList.toggle(name, one === row);
      if (name === "opened") {
        const link = find(".open", one);
        if (one === row) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
  };
  const fill = (html) => {
    const content = parsed(html);
    const sheet = find(".inquiry", content) || find("main", content);
    keepDrafts();
    pane.replaceChildren(...(sheet ? [document.adoptNode(sheet)] : []));
    restoreDrafts();
    pane.hidden = false;
    pane.scrollTop = 0;
    desk.classList.add("has-pane");
  };

  let asked = 0;
  const open = async (id, remember = true) => {
    const row = rowOf(id);
    const href = row ? find(".open", row).href : null;
    if (!href) return;
    const turn = ++asked;
    mark(row, "opened");
    const answer = await ask(`${href}?pane=1`);
    const html = await answer.text();
    if (turn !== asked) return;
    fill(html);
    row.scrollIntoView({ block: "nearest" });
    if (remember) {
      const url = new URL(location);
      url.searchParams.set("open", id);
      history.pushState({ open: id }, "", url);
    }
  };
  const shut = (remember = true) => {
    const row = find(".row.opened");
    asked++;
    keepDrafts();
    pane.hidden = true;
    pane.replaceChildren();
    desk.classList.remove("has-pane");
    mark(null, "opened");
    if (row) { mark(row, "here"); find(".open", row).focus(); }
    if (remember) {
      const url = new URL(location);
      url.searchParams.delete("open");
      history.pushState({}, "", url);
    }
  };

  if (desk) {
    addEventListener("popstate", () => {
      const id = new URL(location).searchParams.get("open");
      if (id && rowOf(id)) open(id, false);
      else if (!pane.hidden) shut(false);
    });
    desk.addEventListener("click", (event) => {
      const link = event.target.closest(".row .open");
      if (!link || !wide.matches || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      open(link.closest(".row").dataset.id).then(() => pane.focus({ preventScroll: true }));
    });
    pane.addEventListener("submit", async (event) => {
      const form = event.target;
      if (form.method !== "post") return;
      event.preventDefault();
      const sent = new FormData(form, event.submitter);
      sent.set("pane", "1");
      for (const button of all("button", form)) button.disabled = true;
      try {
        const answer = await ask(form.action, { method: "POST", body: sent });
        if (answer.ok) for (const field of texts(form)) field.value = field.defaultValue;
        fill(await answer.text());
        pane.focus({ preventScroll: true });
        tell(find(".said", pane)?.textContent ?? "");
        await refresh();
      } catch {
        for (const button of all("button", form)) button.disabled = false;
        tell(document.body.dataset.offline);
      }
    });
  }

  // --- the list, as it is now ---

  const arrivals = find(".arrivals");
  const refresh = async () => {
    const before = new Set(rows().map((row) => row.dataset.id));
    const focused = document.activeElement?.closest?.(".row")?.dataset.id;
    const marked = here()?.dataset.id;
    const fresh = parsed(await (await ask(location.href)).text());
    if (!find(".rows-place", fresh)) return;
    find(".rows-place").replaceChildren(...find(".rows-place", fresh).children);
    find(".views").replaceChildren(...find(".views", fresh).children);
    for (const row of rows()) if (!before.has(row.dataset.id)) row.classList.add("arrived");
    if (marked && rowOf(marked)) mark(rowOf(marked), pane.hidden ? "here" : "opened");
    if (focused && rowOf(focused)) find(".open", rowOf(focused)).focus();
    arrivals.hidden = true;
    learn();
  };

  // --- arrivals ---

  let since = document.body.dataset.since;
  const seen = new Map();
  const learn = () => { for (const row of rows()) seen.set(row.dataset.id, row.dataset.touched); };
  let tag = "";
  const said = (n) => {
    const { newOne, newOther, changed } = document.body.dataset;
    return n ? (n === 1 ? newOne : newOther).replace("{n}", n) : changed;
  };
  const busy = () => find(".rows-place").matches(":hover") || find(".rows-place").contains(document.activeElement);
  const look = async () => {
    if (document.hidden) return;
    const url = `${document.body.dataset.changes}?since=${encodeURIComponent(since)}`;
    const answer = await ask(url, tag ? { headers: { "If-None-Match": tag } } : {});
    if (answer.status !== 200) return;
    tag = answer.headers.get("ETag") ?? "";
    const told = await answer.json();
    since = told.since;
    tag = "";
    const changed = told.rows.filter((one) => seen.get(one.id) !== one.touched);
    if (!changed.length) return;
    const arrived = changed.filter((one) => one.new && !seen.has(one.id)).length;
    for (const one of changed) seen.set(one.id, one.touched);
    count(arrived);
    const text = said(unseen);
    if (arrived) tell(text);
    if (busy()) {
      find("button", arrivals).textContent = text;
      arrivals.hidden = false;
    } else {
      await refresh();
    }
  };
  if (document.body.dataset.changes) {
    // A server that is away for a moment is asked again at the next turn.
    learn();
    const turn = () => look().catch(() => {});
    setInterval(turn, 5000);
    document.addEventListener("visibilitychange", turn);
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => count(0));
    find("button", arrivals).addEventListener("click", () => refresh().catch(() => {}));
  }

  // --- keys ---

  const step = (by) => {
    const list = rows();
    if (!list.length) return;
    const at = list.indexOf(here() ?? document.activeElement?.closest?.(".row"));
    const row = list[Math.min(Math.max(at + by, 0), list.length - 1)];
    if (!pane.hidden && wide.matches) { open(row.dataset.id); return; }
    mark(row, "here");
    find(".open", row).focus();
    row.scrollIntoView({ block: "nearest" });
  };
  const enter = () => {
    const row = find(".row.here") ?? rows()[0];
    if (row) find(".open", row).click();
  };
  const leave = () => {
    if (desk && !pane.hidden) shut();
    else find('[data-key="u"]')?.click();
  };
  const field = (root) => find("textarea, input:not([type=hidden]), select", root);
  const use = (element) => {
    if (element.matches("summary")) {
      element.parentElement.open = true;
      const text = find("textarea", element.parentElement) ?? field(element.parentElement);
      const gap = text.value?.indexOf("\n\n") ?? -1;
      text.focus();
      if (gap >= 0 && text.id === "reply-text" && text.value === text.defaultValue) text.setSelectionRange(gap + 2, gap + 2);
    } else if (element.matches("input, .step")) element.focus();
    else element.click();
  };

  let sheet;
  const help = async () => {
    if (!sheet) {
      const content = find("#help-sheet", parsed(await (await ask(find(".help-link").href)).text()));
      if (!content) return;
      sheet = document.createElement("dialog");
      sheet.className = "dialog";
      sheet.setAttribute("aria-labelledby", "help-title");
      sheet.append(...content.children);
      const close = find(".help-close", sheet);
      close.hidden = false;
      close.addEventListener("click", () => sheet.close());
      document.body.append(sheet);
    }
    if (!sheet.open) sheet.showModal();
  };
  find(".help-link")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    help();
  });

  const keys = { j: () => desk && step(1), k: () => desk && step(-1), o: () => desk && enter(), u: leave, "?": help };
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && typing) { typing.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing || find("dialog[open]")) return;
    if (event.key === "Escape" && desk && !pane.hidden) { shut(); return; }
    const known = keys[event.key];
    const element = known ? null : find(`[data-key="${CSS.escape(event.key)}"]`);
    if (!known && !element) return;
    event.preventDefault();
    if (known) known();
    else use(element);
  });

  // Without a script the way back is the whole list; with one it is the list one came from.
  const back = find('[data-key="u"]');
  if (back && document.referrer.startsWith(`${location.origin}${new URL(back.href).pathname}?`)) back.href = document.referrer;
})();

// Forms, better with a script: checked in place, sent once, and again when the endpoint was away.
(() => {
  "use strict";
  const WAITS = [2, 5, 15, 30]; // seconds between one attempt and the next
  const LONGEST = 3600; // seconds, whatever Retry-After says
  const PATIENCE = 30000; // milliseconds for an answer; the same key makes a second post harmless
  const FLAWS = {
    valueMissing: "required", badInput: "type", typeMismatch: "type", patternMismatch: "pattern",
    tooShort: "tooShort", tooLong: "tooLong", stepMismatch: "whole", rangeUnderflow: "tooSmall", rangeOverflow: "tooGreat",
  };

  const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  // Whether a condition holds; `obverse.forms.when` says the same on the server.
  const equal = (value, literal) => (Array.isArray(value) ? value.includes(literal) : value === literal);
  const SIGNS = {
    "==": equal,
    "!=": (value, literal) => !equal(value, literal),
    in: (value, literals) => literals.some((one) => equal(value, one)),
    "<": (value, literal) => value < literal,
    "<=": (value, literal) => value <= literal,
    ">": (value, literal) => value > literal,
    ">=": (value, literal) => value >= literal,
  };
  const holds = ([sign, ...parts], valueOf) => {
    if (sign === "and") return parts.every((part) => holds(part, valueOf));
    if (sign === "or") return parts.some((part) => holds(part, valueOf));
    if (sign === "not") return !holds(parts[0], valueOf);
    const value = valueOf(parts[0]);
    return (!/[<>]/.test(sign) || typeof value === "number") && SIGNS[sign](value, parts[1]);
  };

  const LEADS = { email: /@.+\../, url: /^https?:/i };
  const textOf = (control) => control.value.trim().normalize();
  const controlsOf = (field) => [...field.querySelectorAll("input, select, textarea")];

  // What is wrong with a field, in its own words, or "".
  const flaw = (field) => {
    const words = field.dataset;
    const controls = controlsOf(field);
    const first = controls[0];
    if (field.matches("fieldset") && first.type === "checkbox") {
      const count = controls.filter((control) => control.checked).length;
      if (!count) return words.required || "";
      if (count < words.min) return words.tooFew;
      return count > words.max ? words.tooMany : "";
    }
    const files = [...(first.files ?? [])];
    if (files.length > words.files) return words.tooManyFiles;
    const large = files.find((file) => file.size > words.size);
    if (large) return words.fileSize.replace("{name}", () => large.name);
    const text = textOf(first);
    if (words.required && !text) return words.required;
    // A browser counts blanks too, and takes addresses that lead nowhere: the endpoint does not.
    if (text && text.length < first.minLength) return words.tooShort;
    if (text && LEADS[first.type]?.test(text) === false) return words.type;
    if (words.max && [...text].length > words.max) return words.tooLong;
    const name = Object.keys(FLAWS).find((one) => first.validity[one]);
    return name ? words[FLAWS[name]] || first.validationMessage : "";
  };

  // What can be understood is taken: example.com is https://example.com.
  const mend = (field) => {
    const control = controlsOf(field)[0];
    const text = textOf(control);
    const meant = control.type === "url" && /^[^\s:/]+\.[^\s]+$/.test(text) ? `https://${text}` : text;
    if (/^(text|tel|url|email)$/.test(control.type) && meant !== control.value) control.value = meant;
  };

  // Says it beside the field; aloud when nothing else is about to be said.
  const show = (field, message, aloud) => {
    const place = field.querySelector(".error");
    if (aloud && message) place.setAttribute("role", "alert");
    else place.removeAttribute("role");
    place.hidden = !message;
    place.textContent = message;
    const marked = field.getAttribute("role") ? [field] : controlsOf(field);
    marked.forEach((one) => (message ? one.setAttribute("aria-invalid", "true") : one.removeAttribute("aria-invalid")));
  };

  const enhance = (form) => {
    // Not form.action, form.elements …: a field may have such a name.
    const find = (what) => form.querySelector(what);
    const own = (name) => find(`[name="_ob_${name}"]`);
    const fields = [...form.querySelectorAll("[data-field]")];
    const conditional = [...form.querySelectorAll("[data-when]")];
    const off = new Set(); // what is not asked, as its condition does not hold
    const steps = form.dataset.step ? [...form.querySelectorAll(".form-group")] : [];
    let step = steps[0];
    const summary = find(".form-summary");
    const button = find("button[type=submit]");
    const status = find("[role=status]");
    const words = status.dataset;
    const target = new URL(form.getAttribute("action"), document.baseURI);
    // On a page that shows what was sent, the time before counts as well.
    const shown = performance.now() - own("elapsed").value;
    const touched = new Set();
    let busy = false;
    let tries = 0;
    let timer = 0;
    let pressed = false;
    let asked = false; // the endpoint named the time of the next attempt

    const say = (text) => { status.textContent = text; };

    // The answer to a field as the server will read it; a field that is not asked has none.
    const valueOf = (name) => {
      const controls = [...form.querySelectorAll(`[name="${name}"]`)];
      const field = controls[0].closest("[data-field]");
      const answers = controls.filter((control) => !control.disabled && (control.checked || !/^(radio|checkbox)$/.test(control.type)));
      const texts = answers.map(textOf);
      if (controls[0].type === "checkbox") return field.matches("fieldset") ? texts : texts.length > 0;
      const text = texts[0] || "";
      if (!field?.dataset.kind) return text;
      return text && isFinite(text) ? Number(text) : null;
    };

    // What is not asked is not seen and not sent; and hiding one field may hide those that ask for it.
    const ask = () => {
      let rounds = conditional.length;
      let changed = true;
      while (changed && rounds--) {
        changed = false;
        conditional.forEach((part) => {
          const gone = !holds(JSON.parse(part.dataset.when), valueOf);
          if (off.has(part) === gone) return;
          changed = true;
          off[gone ? "add" : "delete"](part);
          part.hidden = gone;
          if (!part.dataset.field) return;
          controlsOf(part).forEach((control) => {
            control.disabled = gone;
            control.required = !gone && !!part.dataset.required && !part.matches("fieldset:has([type=checkbox])");
          });
        });
      }
      turn(step);
    };

    // Steps: one heading's fields at a time; the others are sent along.
    const make = (tag, name, text) => Object.assign(document.createElement(tag), { type: "button", className: name, textContent: text });
    const next = make("button", "button", form.dataset.next);
    const back = make("button", "back", form.dataset.back);
    const mark = make("span", "form-step");
    const way = () => steps.filter((one) => !off.has(one));

    const turn = (to, focus) => {
      if (!steps.length) return;
      const open = way();
      const at = Math.max(open.indexOf(to), 0);
      step = open[at];
      steps.forEach((one) => { one.hidden = one !== step; });
      button.hidden = at < open.length - 1;
      next.hidden = !button.hidden;
      back.hidden = !at;
      mark.textContent = form.dataset.step.replace("{n}", at + 1).replace("{all}", open.length);
      const legend = step.firstElementChild;
      legend.append(" ", mark);
      legend.tabIndex = -1;
      if (focus) legend.focus();
    };

    const move = (by) => turn(way()[way().indexOf(step) + by], true);
    const stepOf = (field) => field.closest(".form-group");

    const stay = (event) => event.preventDefault();

    const settle = () => {
      clearTimeout(timer);
      timer = 0;
      busy = false;
      button.removeAttribute("aria-disabled");
      form.removeAttribute("aria-busy");
      removeEventListener("beforeunload", stay);
    };

    const summarise = (wrong) => {
      const [title, list] = summary.children;
      title.textContent = wrong.length === 1 ? words.one : words.other.replace("{n}", wrong.length);
      list.replaceChildren(...wrong.map(([field, message]) => {
        const line = document.createElement("li");
        const link = field ? line.appendChild(document.createElement("a")) : line;
        if (field) {
          link.href = `#${controlsOf(field)[0].id}`;
          link.addEventListener("click", () => turn(stepOf(field)));
        }
        link.textContent = field ? `${field.dataset.label} ${message}` : message;
        return line;
      }));
      summary.hidden = !wrong.length;
      if (wrong.length) summary.focus();
    };

    const refuse = (wrong) => {
      say("");
      const told = new Map(wrong);
      fields.forEach((field) => show(field, told.get(field) || "", false));
      wrong.forEach(([field]) => touched.add(field));
      if (wrong[0]?.[0]) turn(stepOf(wrong[0][0]));
      summarise(wrong);
      return !wrong.length;
    };

    const check = (those) => {
      those.forEach(mend);
      return refuse(those.filter((field) => !off.has(field)).map((field) => [field, flaw(field)]).filter(([, message]) => message));
    };

    const refused = (errors) => refuse(errors.map(({ field, message }) => [
      fields.find((one) => one.dataset.field === field), message,
    ]));

    const go = (next) => {
      const goal = next && new URL(next, target);
      if (goal && [location.origin, target.origin].includes(goal.origin)) {
        location.assign(goal);
        return;
      }
      HTMLFormElement.prototype.reset.call(form);
      step = steps[0];
      ask();
      settle();
    };

    const arrived = (next) => {
      own("instance").value = key();
      tries = 0;
      say(words.sent);
      go(next);
    };

    const later = (response) => {
      const named = Number(response?.headers.get("Retry-After")) || 0;
      const wait = Math.min(Math.max(WAITS[Math.min(tries, WAITS.length - 1)], named), LONGEST);
      tries += 1;
      asked = named > 0;
      say(response?.status === 429 ? words.wait : navigator.onLine ? words.retry : words.offline);
      timer = setTimeout(send, wait * 1000);
      addEventListener("beforeunload", stay);
    };

    const post = async () => {
      const sent = new FormData(form);
      const body = form.matches("[enctype]") ? sent : new URLSearchParams(sent);
      const response = await (form[Symbol.for("obverse.send")] ?? fetch)(target, { // uploads.js tells how far it is
        method: "POST", body, headers: { Accept: "application/json" }, credentials: "omit",
        signal: AbortSignal.timeout?.(body === sent ? 20 * PATIENCE : PATIENCE),
      });
      return [response, await response.json().catch(() => null)];
    };

    const send = async () => {
      settle();
      busy = true;
      button.setAttribute("aria-disabled", "true");
      form.setAttribute("aria-busy", "true");
      say(words.sending);
      own("elapsed").value = Math.round(performance.now() - shown);
      const [response, answer] = await post().catch(() => []);
      // An answer that was cut off may have been a yes: the same key finds out.
      if (response?.ok && (answer || response.redirected)) return arrived(answer ? answer.next : response.url);
      settle();
      if (response?.status === 422 && answer?.errors?.length) return refused(answer.errors);
      // A proof is asked for: the page that answers a plain post gives it, and keeps all that was written.
      if (response?.status === 428) return HTMLFormElement.prototype.submit.call(form);
      if (!response || response.ok || response.status === 429 || response.status >= 500) return later(response);
      return say(answer?.detail || words.failed);
    };

    const forward = () => {
      if (check(fields.filter((field) => stepOf(field) === step))) move(1);
    };

    form.setAttribute("novalidate", "");
    if (steps.length) {
      button.before(next);
      button.after(back);
      next.addEventListener("click", forward);
      back.addEventListener("click", () => move(-1));
    }
    own("instance").value = own("instance").value || key();
    const today = new Date().toLocaleDateString("sv"); // as 2026-05-31
    ["min", "max"].forEach((end) => form.querySelectorAll(`input[data-${end}]`).forEach((control) => {
      control[end] = control.dataset[end].replace("today", today);
    }));
    ask();

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (button.hidden) forward(); // Enter, before the last step
      else if (!busy && check(fields)) send();
    });

    form.addEventListener("input", ({ target: control }) => {
      const field = control.closest("[data-field]");
      touched.add(field);
      ask();
      if (timer) {
        settle();
        say(words.changed);
      }
      // While somebody types, an error may go but none may come.
      if (field && !field.querySelector(".error").hidden && !flaw(field)) show(field, "", false);
    });

    form.addEventListener("focusout", ({ target: control, relatedTarget }) => {
      const field = control.closest("[data-field]");
      if (pressed || !field || !touched.has(field) || field.contains(relatedTarget)) return;
      mend(field);
      const message = flaw(field);
      if (message !== field.querySelector(".error").textContent) show(field, message, true);
    });

    // An error that appears above the button while it is pressed would move it from under the finger.
    button.addEventListener("pointerdown", () => { pressed = true; });
    ["pointerup", "pointercancel"].forEach((end) => addEventListener(end, () => { pressed = false; }));

    addEventListener("online", () => { if (timer && !asked) send(); });

    // Back from the thank-you page: the page stands as it was left.
    addEventListener("pageshow", ({ persisted }) => {
      ask(); // a browser may have put answers back
      if (!persisted) return;
      settle();
      say("");
    });
  };

  document.querySelectorAll("form.form:not([novalidate])").forEach(enhance);
})();

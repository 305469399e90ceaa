// Forms with files: how far they have come, and a button that stops. It only carries what `form.js` sends and hands the
// answer back to it: checks, keys, what is said of answers and when to try again are there. Without this script the same
// form is sent without a word on the way.
(() => {
  "use strict";
  const STALLED = 60000; // milliseconds in which not a byte moved
  const STEP = 0.25; // of the whole, from one announcement to the next
  const PAUSE = 4000; // milliseconds that one announcement has at least

  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  const enhance = (form) => {
    const act = form.querySelector(".form-act");
    const status = form.querySelector("[role=status]");
    const words = status.dataset;
    const lang = form.closest("[lang]")?.lang || undefined;
    const percent = new Intl.NumberFormat(lang, { style: "percent" });

    const bytes = (count, of) => {
      const [unit, by] = of < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
      const digits = unit === "megabyte" && of < 1e8 ? 1 : 0;
      return new Intl.NumberFormat(lang, {
        style: "unit", unit, minimumFractionDigits: digits, maximumFractionDigits: digits,
      }).format(count / by);
    };

    const bar = make("progress", { id: `${form.id}.progress`, max: 1 });
    const amount = make("span", { className: "help" });
    const stop = make("button", { type: "button", className: "back", textContent: words.stop });
    const box = make("div", { className: "form-upload", hidden: true });
    box.append(make("label", { htmlFor: bar.id, className: "label", textContent: words.upload }), bar, amount, stop);
    act.before(box);

    // What a screen reader is told, and when: a quarter at a time, and never while it is still speaking.
    let told = 0;
    let at = 0;
    const announce = (part) => {
      if (part < told + STEP || part >= 1 || performance.now() - at < PAUSE) return;
      [told, at] = [part, performance.now()];
      status.textContent = words.uploading.replace("{percent}", percent.format(part));
    };

    const show = ({ loaded, total }) => {
      bar.value = total ? loaded / total : 0;
      amount.textContent = words.amount.replace("{percent}", percent.format(Math.floor(bar.value * 100) / 100))
        .replace("{done}", bytes(loaded, total)).replace("{all}", bytes(total, total));
      announce(bar.value);
    };

    const arrived = () => {
      bar.removeAttribute("value"); // how long it is looked at, nobody knows
      amount.textContent = "";
      status.textContent = words.arrived;
    };

    const begin = () => {
      [told, at] = [0, performance.now()];
      bar.value = 0;
      amount.textContent = "";
      box.hidden = false;
    };

    const end = () => {
      if (box.contains(document.activeElement)) form.querySelector("[type=submit]").focus();
      box.hidden = true;
    };

    const answer = (request) => {
      const headers = new Headers();
      request.getAllResponseHeaders().trim().split(/\r?\n/).forEach((line) => {
        const colon = line.indexOf(":");
        if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
      });
      const body = [204, 205, 304].includes(request.status) ? null : request.responseText;
      return Object.defineProperties(new Response(body, { status: request.status, headers }), {
        url: { value: request.responseURL }, redirected: { value: request.responseURL !== String(request.target) },
      });
    };

    // As `fetch`, which cannot tell how far it is.
    form[Symbol.for("obverse.send")] = (target, { method, body, headers }) => new Promise((resolve, reject) => {
      const request = Object.assign(new XMLHttpRequest(), { target });
      let timer = 0;
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), STALLED);
      };
      const over = (outcome, value) => {
        clearTimeout(timer);
        end();
        outcome(value);
      };
      const stopped = () => {
        request.abort();
        // `form.js` waits to try again by now; a change calls that off.
        setTimeout(() => {
          form.dispatchEvent(new Event("input", { bubbles: true }));
          status.textContent = words.stopped;
        });
      };
      request.upload.onprogress = (event) => { wait(); show(event); };
      request.upload.onload = () => { wait(); arrived(); };
      request.onload = () => over(resolve, answer(request));
      request.onerror = () => over(reject, new TypeError("not sent"));
      request.onabort = request.onerror;
      stop.onclick = stopped;
      request.open(method, target);
      Object.entries(headers).forEach(([name, value]) => request.setRequestHeader(name, value));
      begin();
      wait();
      request.send(body);
    });
  };

  document.querySelectorAll("form.form[enctype]").forEach(enhance);
})();

// What somebody types into a form is kept in this browser tab until it is sent: after a reload, the way back or a crash it
// is there again, under the same key. Only where the site's owner has switched it on (`[capture] keep_drafts`); without
// it nothing is kept on the visitor's device. Files cannot be kept, and nothing is left when the tab is closed.
(() => {
  "use strict";
  const SEND = Symbol.for("obverse.send");
  const words = document.currentScript.dataset;

  // A browser may have no storage to give, or no room in it: then the form is as it would be without this script.
  const attempt = (what) => {
    try {
      return what();
    } catch {
      return null;
    }
  };

  const isTicked = (control) => /^(radio|checkbox)$/.test(control.type);

  const enhance = (form) => {
    const find = (what) => form.querySelector(what);
    const place = `obverse:${location.pathname}:${form.id}`;
    const version = find("[name=_ob_version]").value;
    const controls = [...form.querySelectorAll("input, select, textarea")]
      .filter((one) => one.type !== "file" && (!one.name.startsWith("_ob_") || one.name === "_ob_instance"));

    const keep = () => attempt(() => sessionStorage.setItem(place, JSON.stringify({
      version, answers: controls.map((one) => (isTicked(one) ? one.checked : one.value)),
    })));
    const forget = () => attempt(() => sessionStorage.removeItem(place));

    const note = document.createElement("div");
    const discard = Object.assign(document.createElement("button"), { type: "button", className: "back", textContent: words.discard });
    note.className = "form-draft";
    note.append(Object.assign(document.createElement("p"), { textContent: words.restored }), discard);

    discard.addEventListener("click", () => {
      forget();
      location.reload();
    });

    const restore = () => {
      const kept = attempt(() => JSON.parse(sessionStorage.getItem(place)));
      // A form that was changed meanwhile asks other questions.
      if (kept?.version !== version || kept.answers?.length !== controls.length) return;
      controls.forEach((one, at) => { one[isTicked(one) ? "checked" : "value"] = kept.answers[at]; });
      form.prepend(note);
      form.dispatchEvent(new Event("input", { bubbles: true })); // what is asked may hang on it
    };

    // What has arrived is kept no longer; nor is what goes on to a page that shows it all again.
    const send = form[SEND] ?? fetch;
    form[SEND] = async (...given) => {
      const response = await send(...given);
      if (response.ok || response.status === 428) {
        forget();
        note.remove();
      }
      return response;
    };

    restore();
    form.addEventListener("input", keep);
  };

  document.querySelectorAll("form.form").forEach(enhance);
})();

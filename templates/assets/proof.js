// The page that asks for a proof of work: finds the number whose SHA-256 is named, and sends the form by itself. Without
// this script a person waits and presses the button. Plain arithmetic: crypto.subtle is missing where a page is not
// served securely, and is slower for so short a text.
(() => {
  "use strict";
  const SLICE = 25; // milliseconds of reckoning before the page may breathe
  const place = document.querySelector("[data-challenge]");
  const form = place?.parentElement.querySelector("form.form");
  if (!form) return;
  const { salt, challenge, most, working, ready } = place.dataset;
  const find = (what) => form.querySelector(what);

  // The first 32 bits of the fractions of roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3).
  const fraction = (root) => (root - Math.floor(root)) * 2 ** 32 | 0;
  const primes = [];
  for (let one = 2; primes.length < 64; one += 1) if (primes.every((prime) => one % prime)) primes.push(one);
  const ROUNDS = primes.map((prime) => fraction(Math.cbrt(prime)));
  const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  const words = new Int32Array(64);

  // SHA-256 of a text of at most 55 ASCII characters, which is one block, as eight words.
  const digest = (text) => {
    words.fill(0, 0, 16);
    for (let at = 0; at < text.length; at += 1) words[at >> 2] |= text.charCodeAt(at) << (24 - 8 * (at & 3));
    words[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
    words[15] = 8 * text.length;
    for (let at = 16; at < 64; at += 1) {
      const [far, near] = [words[at - 15], words[at - 2]];
      words[at] = words[at - 16] + words[at - 7]
        + (turn(far, 7) ^ turn(far, 18) ^ (far >>> 3)) + (turn(near, 17) ^ turn(near, 19) ^ (near >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = START;
    for (let at = 0; at < 64; at += 1) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[at] + words[at]) | 0;
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    return [a, b, c, d, e, f, g, h].map((word, at) => (word + START[at]) | 0);
  };

  const wanted = challenge.match(/.{8}/g).map((word) => Number.parseInt(word, 16) | 0);
  let alone = "alone" in place.dataset;
  let busy = true;

  const done = (number) => {
    busy = false;
    find("[name=_ob_proof]").value = number;
    if (alone) find("button[type=submit]").click();
    else place.textContent = ready;
  };

  const reckon = (from) => {
    const until = performance.now() + SLICE;
    for (let number = from; number <= most; number += 1) {
      const found = digest(`${salt}.${number}`);
      if (found.every((word, at) => word === wanted[at])) {
        done(number);
        return;
      }
      if (number % 64 === 63 && performance.now() > until) {
        setTimeout(reckon, 0, number + 1);
        return;
      }
    }
    busy = false; // what is on the page still holds: wait, and press the button
  };

  // Whoever changes something sends it themselves; whoever presses too early need not wait for another page.
  form.addEventListener("input", () => { alone = false; });
  document.addEventListener("submit", (event) => {
    if (!busy || event.target !== form) return;
    event.preventDefault();
    event.stopPropagation();
    alone = true;
  }, true);

  place.textContent = working;
  setTimeout(reckon, 0, 0);
})();

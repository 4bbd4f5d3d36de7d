// Keeps the payment page up to date. The server renders the page; this polls for
// changes and replaces the parts that changed. Without it the page reloads.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const panel = document.querySelector(".panel");
  const payment = live.dataset.payment;
  const seen = "jovepay-returned-" + payment;
  let revision = live.dataset.revision;
  let warned = Infinity; // the seconds that were left at the last check
  let leaving = 0; // the timer of the return to the shop

  const byId = (id) => document.getElementById(id);
  const show = (id, on) => { byId(id).hidden = !on; };
  // announce has a screen reader read the text. Each text gets its own element,
  // so that two at once are both read.
  const announce = (text) => {
    const line = document.createElement("p");
    line.textContent = text;
    const news = byId("news");
    news.append(line);
    if (news.childElementCount > 5) news.firstElementChild.remove();
  };

  async function get(address, type) {
    const response = await fetch(address, {
      headers: { Accept: type }, cache: "no-store", signal: AbortSignal.timeout(10000),
    });
    if (!response.ok) throw new Error("status " + response.status);
    return response;
  }

  // renew replaces the parts that changed and no others, so that focus and
  // selection stay.
  async function renew(now) {
    const before = byId("status-title").textContent;
    const response = await get("/payment/?pid=" + encodeURIComponent(payment), "text/html");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const focused = document.activeElement && document.activeElement.id;
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      // Compare with what the server sent: the script may have changed the old one.
      if (!fresh || fresh.outerHTML === sent.get(old.id)) continue;
      sent.set(old.id, fresh.outerHTML);
      old.replaceWith(document.adoptNode(fresh));
    }
    document.title = page.title;
    byId("title").textContent = page.getElementById("title").textContent;
    revision = page.getElementById("live").dataset.revision;
    if (focused && document.activeElement === document.body) {
      const again = byId(focused);
      (again && !again.disabled && !again.hidden ? again : byId("main")).focus({ preventScroll: true });
    }
    if (byId("status-title").textContent !== before) announce(now.headline + ". " + now.detail);
    dress();
  }

  // dress shows the controls that need this script.
  function dress() {
    for (const button of document.querySelectorAll(".copy")) {
      button.hidden = false;
      button.onclick = () => copy(button);
    }
    const soon = byId("back-soon");
    const busy = panel.contains(document.activeElement);
    if (soon && !leaving && !busy && !sessionStorage.getItem(seen)) leave(soon);
    if (!soon) stay();
  }

  async function copy(button) {
    const source = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      announce("Copied");
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
      announce("Selected. Copy it with the keyboard.");
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  // leave counts down and returns to the shop, unless the customer stops it. It
  // does so once: a customer who comes back stays.
  function leave(soon) {
    let seconds = Number(soon.dataset.seconds);
    soon.hidden = false;
    byId("back-stay").onclick = () => { stay(); byId("back-link").focus(); };
    announce("You will return to the shop in " + seconds + " seconds, unless you choose to stay.");
    leaving = setInterval(() => {
      if (!byId("back-seconds")) return stay();
      seconds -= 1;
      byId("back-seconds").textContent = seconds;
      if (seconds > 0) return;
      const link = byId("back-link");
      stay();
      location.assign(link.href);
    }, 1000);
  }
  function stay() {
    if (!leaving) return;
    clearInterval(leaving);
    leaving = 0;
    sessionStorage.setItem(seen, "yes");
    if (byId("back-soon")) show("back-soon", false);
  }

  function count(left) {
    const countdown = byId("countdown");
    if (!countdown || left.text === "") return;
    countdown.textContent = left.text;
    for (const [limit, text] of [[60, "One minute left"], [300, "Five minutes left"]]) {
      if (left.seconds > 0 && left.seconds <= limit && warned > limit) {
        if (warned !== Infinity) announce(text);
        break;
      }
    }
    warned = left.seconds;
  }

  async function look() {
    let again = 1000;
    try {
      if (!document.hidden) {
        const response = await get("/payment/status?pid=" + encodeURIComponent(payment), "application/json");
        const now = await response.json();
        count({ text: now.remaining, seconds: now.seconds_left });
        if (now.revision !== revision) await renew(now);
        show("offline", false);
      }
    } catch {
      show("offline", true);
      again = 3000;
    }
    setTimeout(look, again);
  }

  // The parts as the server sent them, to find out which have changed.
  const sent = new Map();
  for (const part of document.querySelectorAll("[data-live]")) sent.set(part.id, part.outerHTML);
  dress();
  // A person who uses the sandbox's buttons wants to stay.
  panel.addEventListener("pointerdown", stay);
  panel.addEventListener("focusin", stay);
  setTimeout(look, 1000);
})();

(function () {
  // Keeps a form in the storage of this tab while its visitor signs in ("keep"), sends it once ("send"), or drops it
  // ("drop"). A tab keeps one form at most.
  "use strict";
  var place = document.getElementById("data"), key = "wechat-form", store = null, now = new Date().getTime();
  try { store = window.sessionStorage; } catch (e) { /* blocked */ }
  if (!place || !store) return; // the page says what to do without
  var page = JSON.parse(place.textContent), record = null, done = false, asking = false;

  function drop() { store.removeItem(key); }

  // Forms that were sent, also by a copy of this tab, which has a copy of the storage.
  function sent(id) {
    var list = [], before;
    try {
      list = (localStorage.getItem(key + "-sent") || "").split(" ");
      before = list.indexOf(id) >= 0;
      localStorage.setItem(key + "-sent", list.slice(-20).concat(id).join(" "));
    } catch (e) { /* blocked or full: the tab itself still sends it once */ }
    return before;
  }

  function keep() {
    drop();
    record = page.record;
    record.until = now + page.life;
    // A form that comes back at once after it was sent without a tap waits for a tap: no endless loop.
    record.tap = 60000 > now - Number(store.getItem(key + "-auto") || 0);
    try { store.setItem(key, JSON.stringify(record)); } catch (e) { return; } // no room: the page says so
    location.replace(page.next);
  }

  function part(id) { return document.getElementById("kept-" + id); }
  // A field may be called setAttribute, removeAttribute or hidden: form.hidden would be that field.
  function set(e, name, value) { Element.prototype.setAttribute.call(e, name, value); }
  function hide(id, yes) {
    if (yes) set(part(id), "hidden", ""); else Element.prototype.removeAttribute.call(part(id), "hidden");
  }
  function waits(yes) {
    hide("form", !yes);
    hide("gone", yes);
    hide("leave", yes);
  }

  function over() {
    drop();
    done = true;
    waits(false);
  }

  // The characters of the bytes 0x80 to 0x9F in windows-1252.
  var high = "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f" +
    "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178";
  function readable(text) {
    var bytes, i, c;
    if (!window.TextDecoder) return text;
    bytes = new Uint8Array(text.length);
    for (i = 0; i !== text.length; i++) {
      c = text.charCodeAt(i);
      bytes[i] = 256 > c ? c : 128 + high.indexOf(text.charAt(i));
    }
    try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch (e) { /* not UTF-8 */ }
    try { return new TextDecoder("gbk").decode(bytes); } catch (e) { return text; }
  }

  function element(name, text, into) {
    var e = document.createElement(name);
    if (text) e.textContent = text;
    into.appendChild(e);
    return e;
  }

  // Every byte is a character of windows-1252, and the form is sent in that charset: so the same bytes are sent. A
  // textarea keeps line ends, and one named _charset_ keeps its value, which a hidden field would not.
  function build(form) {
    var whole = true, fields = part("fields"), list = part("list");
    record.form.fields.forEach(function (f) {
      var kind = f[2], input, row;
      if (kind === "" || kind === "nofile") {
        input = element(kind ? "input" : "textarea", "", fields);
        input.hidden = true;
      } else {
        whole = false;
        hide(kind, false);
        input = element("input", "", element("label", readable(f[0]) + " ", fields));
      }
      if (kind) input.type = kind === "secret" ? "password" : "file";
      input.name = f[0];
      if (kind === "") input.value = f[1];
      if (kind === "secret") input.autocomplete = "off";
      if (page.other || kind !== "") return;
      row = element("div", "", list);
      element("dt", readable(f[0]).slice(0, 100), row);
      element("dd", readable(f[1]).slice(0, 1000), row);
    });
    hide("content", !list.firstChild);
    set(form, "action", location.origin + record.action);
    set(form, "enctype", record.form.multipart ? "multipart/form-data" : "application/x-www-form-urlencoded");
    part("target").textContent = location.host + record.action;
    return whole;
  }

  // Takes the form out of the storage before it is sent, and reports whether it may be sent. Back then leads to the
  // page of the form, and apps see that page as the Referer.
  function take() {
    if (done) return false;
    done = true;
    drop();
    if (sent(record.id)) { waits(false); return false; }
    try { history.replaceState(null, "", record.page || "/"); } catch (e) { /* Back leads here, and nothing waits */ }
    return true;
  }

  // Sends the form after a tap if the person in this browser is still the one for whom the page was made: another tab may
  // have signed out or in meanwhile. Otherwise the page is made anew. Without an answer nothing is sent, and a tap tries
  // again.
  function tapped(form) {
    var ask = new XMLHttpRequest();
    if (done || asking) return;
    asking = true;
    ask.open("GET", location.href);
    ask.setRequestHeader("Accept", "application/json");
    ask.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    ask.timeout = 20000;
    ask.onerror = ask.ontimeout = function () { asking = false; };
    ask.onload = function () {
      var visitor = "";
      asking = false;
      if (done) return;
      try { visitor = JSON.parse(ask.responseText).visitor; } catch (e) { /* not ours */ }
      if (ask.status !== 200 || !visitor || visitor !== page.visitor) location.reload();
      else if (take()) HTMLFormElement.prototype.submit.call(form); // a field may be called submit
    };
    ask.send();
  }

  function send() {
    var form = part("form"), whole;
    try { record = JSON.parse(store.getItem(key)); } catch (e) { drop(); }
    if (!record || record.id !== page.id) return;
    if (now >= record.until || record.until > now + page.life) { drop(); return; }
    // First the listeners: a field may be called addEventListener.
    form.addEventListener("submit", function (e) {
      e.preventDefault();
      tapped(form);
    });
    part("drop").addEventListener("click", function () {
      over();
      location.replace(location.origin + (record.page || "/"));
    });
    window.addEventListener("pageshow", function (e) { if (e.persisted) location.reload(); });
    setTimeout(function () { if (!done) over(); }, record.until - now);
    whole = build(form);
    if (page.auto && whole && !record.tap) {
      store.setItem(key + "-auto", String(now));
      if (take()) HTMLFormElement.prototype.submit.call(form);
      return;
    }
    waits(true);
  }

  // An example, for the preview of the pages: nothing is stored, and nothing is sent.
  function show() {
    record = page.record;
    part("form").addEventListener("submit", function (e) { e.preventDefault(); });
    build(part("form"));
    waits(true);
  }

  if (page.task === "keep") keep();
  else if (page.task === "send") send();
  else if (page.task === "show") show();
  else drop();
})();

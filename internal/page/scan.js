
(function () {
  // Asks what the phone says, and goes on when it has answered: by server-sent events, else every two seconds.
  var place = document.querySelector("[data-wait]"), source = null, heard = false, over = false;
  if (!place) return;
  var wait = place.getAttribute("data-wait"), next = place.getAttribute("data-next");
  function leave() {
    if (over) return;
    over = true;
    if (source) source.close();
    location.replace(next);
  }
  function later(ms) { if (!over) setTimeout(poll, ms); }
  function poll() {
    var ask = new XMLHttpRequest();
    ask.open("GET", wait + "/state");
    ask.timeout = 10000;
    ask.onload = function () {
      var said = "";
      try { said = JSON.parse(ask.responseText).state; } catch (e) { /* not ours: ask again */ }
      if (ask.status === 200 && said && said !== "waiting") leave(); else later(ask.status === 200 ? 2000 : 5000);
    };
    ask.onerror = ask.ontimeout = function () { later(5000); };
    ask.send();
  }
  if (!window.EventSource) { poll(); return; }
  source = new EventSource(wait + "/events");
  source.onmessage = function (e) { heard = true; if (e.data !== "waiting") leave(); };
  source.onerror = function () {
    if (heard) { heard = false; return; } // the end of a spell: the browser opens the next one
    source.close();
    source = null;
    later(1000);
  };
})();

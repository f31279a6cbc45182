(function () {
  // Takes the fragment along to the sign-in: browsers send it to no server.
  var link = document.getElementById("next"), next = link.getAttribute("href");
  var address = location.href, at = address.indexOf("#"), fragment = at < 0 ? "" : address.slice(at);
  if (fragment.length > +link.getAttribute("data-room")) next += "&fragment_length=" + (fragment.length - 1);
  else if (fragment !== "#" && fragment !== "#wechat_redirect") { // WeChat's own, which browsers keep
    try { next += encodeURIComponent(fragment); } catch (e) { /* half a character: go on without it */ }
  }
  location.replace(next);
})();

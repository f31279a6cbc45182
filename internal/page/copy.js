
(function () {
  // Shows the button that copies the address, and says what came of it. Old WebViews have no clipboard API.
  var button = document.querySelector("[data-copied]"), address = document.querySelector(".address");
  if (!button || !address || !window.getSelection || !document.createRange) return;
  function say(what) { button.textContent = button.getAttribute("data-" + what); }
  function select() {
    var range = document.createRange(), selection = window.getSelection();
    range.selectNodeContents(address);
    selection.removeAllRanges();
    selection.addRange(range);
  }
  function failed() { select(); say("failed"); }
  button.onclick = function () {
    var done = false;
    select();
    try { done = document.execCommand("copy"); } catch (e) { /* not here: try the other way */ }
    if (done) { window.getSelection().removeAllRanges(); say("copied"); return; }
    if (!navigator.clipboard || !navigator.clipboard.writeText) { failed(); return; }
    navigator.clipboard.writeText(address.textContent).then(function () { say("copied"); }, failed);
  };
  button.parentNode.hidden = false;
})();

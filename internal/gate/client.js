// The script for pages of the site: see docs/spa.md. It is written in ES5, for old browsers. It is served without the
// indentation and the lines of comments, and then has at most 2 KB.
window.wechatGateway = (function () {
  var entry = location.href, leaving = 0, path = '/_wechat/', name = 'wechatGateway';
  // Sets and returns the latest sign-in that fetch began: its time, what was asked for, and the address that was
  // refused; '' when that address has answered. A browser that cannot keep it gets no sign-in by itself: it could loop.
  function latest(set) {
    try {
      if (set != null) sessionStorage.setItem(name, set);
      return sessionStorage.getItem(name) || '';
    } catch (e) {
      return set ? '' : Date.now() + ' ';
    }
  }
  function get(what) {
    return fetch(path + what, {credentials: 'same-origin', cache: 'no-store'}).then(function (r) {
      return r.json().then(function (body) {
        if (r.ok || r.status === 401) return body;
        throw new Error(body.error);
      });
    });
  }
  // The promise stays open: this page ends.
  function signIn(query, to) {
    to = to || location.pathname + location.search + location.hash;
    location.assign(path + 'login?' + query + 'return_to=' + encodeURIComponent(to));
    return leaving = new Promise(function () {});
  }
  // The page is shown again, as it was, by Back.
  addEventListener('pageshow', function (e) { if (e.persisted) leaving = 0; });
  return {
    session: function () { return get('session').then(function (s) { return s.user || null; }); },
    signIn: function (returnTo) { return signIn('', returnTo); },
    fetch: function (input, init) {
      var key = String(input.url || input).split(/[?#]/)[0];
      // Old browsers send cookies only if they are told to.
      if (!input.url) {
        init = Object.create(init || null);
        init.credentials = init.credentials || 'same-origin';
      }
      return fetch(input, init).then(function (r) {
        var before = latest().split(' ');
        if (r.status !== 401) {
          if (before[2] === key) latest('');
          return r;
        }
        return r.clone().json().then(function (body) {
          var to = body.redirect_url, scope = /[?&]scope=snsapi_userinfo/.test(to) ? 'snsapi_userinfo' : 'snsapi_base';
          if (leaving) return leaving;
          // Only if this site answered, and to its gateway; once in ten minutes for each scope, the lesser one first.
          if (r.url.indexOf(location.origin + '/') || to.indexOf(location.origin + path + 'login') ||
              Date.now() - before[0] < 6e5 && before[1] >= scope) {
            return r;
          }
          return latest(Date.now() + ' ' + scope + ' ' + key) ? signIn('asked_by=app&scope=' + scope + '&') : r;
        })['catch'](function () { return r; });
      });
    },
    jssdk: function () {
      // On iOS, WeChat compares with the address with which the app was entered.
      var page = /iP(hone|ad|od)/.test(navigator.userAgent) ? entry : location.href;
      return get('jssdk?url=' + encodeURIComponent(page.split('#')[0]));
    }
  };
})();

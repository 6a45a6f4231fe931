// The merchant's tag. portal/tag/script.py serves it without comments and indentation, at most 2 KB
// gzipped; docs/tag.md says what it does. No library, and nothing that browsers of 2017 do not have.
//
// What it keeps on the shopper's device: one first-party cookie with the click's id, and orders not
// answered yet in sessionStorage. Neither before the shopper agreed.
(function (w, d, l) {
var tag = d.currentScript || d.querySelector('script[data-merchant]'),
    box = 'aff_orders',
    orders = [], asking = [],
    // How many answers are awaited before orders may go; how often sending failed.
    busy = 0, failed = 0,
    // The click's id, the direct link's code, the last address looked at; agreed is true, false or not known.
    id, via, seen, agreed;

function given(name, other) {
  return tag.hasAttribute('data-' + name) ? tag.getAttribute('data-' + name) : other;
}
var net = tag.src.split('/t.js')[0],
    name = given('cookie', 'aff_click'),
    consent = given('consent'),
    early = w.aff && w.aff.q || [];

function read() {
  return (d.cookie.match('(?:^|; )' + name + '=(clk_\\w{26})') || [])[1];
}
// On the widest domain the browser allows: its own list of public suffixes refuses wider ones.
function write(value, age) {
  for (var parts = l.hostname.split('.'), n = parts.length - 2; n > -2; n--) {
    d.cookie = name + '=' + value + ';path=/;max-age=' + age + ';samesite=lax' + (l.protocol == 'https:' ? ';secure' : '') +
      (n < 0 ? '' : ';domain=' + given('domain', parts.slice(n).join('.')));
    if (age && read() == value) break;
  }
}
function save() {
  try {
    if (agreed) sessionStorage[box] = JSON.stringify(orders.map(function (one) { return one.o; }));
  } catch (e) {}
}
function fill() {
  if (id) d.querySelectorAll('[data-aff-click]').forEach(function (field) { field.value = id; });
}
function found(click) {
  id = click;
  if (agreed) write(id, 31536e3);
  fill();
}
// A string as body is text/plain: a simple request, which no browser asks leave for.
function post(url, body, told, cookies) {
  var text = JSON.stringify(body);
  if (w.fetch) fetch(url, {method: 'POST', body: text, keepalive: true, credentials: cookies ? 'include' : 'omit'}).then(function (r) {
    return r.status < 500 && r.json();
  }).then(told, function () { told(); });
  else told(navigator.sendBeacon(url, text) && {});
}
function whole(one) {
  one = one.o;
  one.click_id = one.click_id || id;
  if (!one.click_id) one.via = via;
  return one;
}
function flush() {
  if (busy) return;
  asking.splice(0).forEach(function (told) { told(id || null); });
  orders.forEach(function (one) {
    if (one.s) return;
    one.s = 1;
    post(net + '/t/order', whole(one), function (answer) {
      one.s = 0;
      if (answer) {
        orders.splice(orders.indexOf(one), 1);
        if (one.f) one.f(answer);
      } else if (failed++ < 6) setTimeout(flush, 1e3 << failed);
      save();
    }, agreed);
  });
  save();
}
function order(o, told) {
  o.merchant = given('merchant');
  o.consent = agreed;
  orders.push({o: o, f: told});
  flush();
}
// Orders wait for an answer, three seconds at most; what comes back says that it is there.
function wait() {
  var open = 1, come = function () {
    if (open) open = 0, busy--, flush();
  };
  busy++;
  setTimeout(come, 3e3);
  return come;
}
function visit(code) {
  var come = wait();
  via = code;
  post(given('door', '__DOOR__') + '/t/visit', {code: code, url: l.href, referrer: d.referrer, consent: agreed}, function (answer) {
    if (answer && answer.click_id) found(answer.click_id);
    come();
  });
}
function agree(yes) {
  if (yes && !agreed) try {
    // What the last page could not send; one that is sent twice counts once.
    JSON.parse(sessionStorage[box] || '[]').forEach(function (o) { orders.push({o: o}); });
  } catch (e) {}
  agreed = !!yes;
  if (!yes) {
    write('', 0);
    try { sessionStorage.removeItem(box); } catch (e) {}
  } else if (id) write(id, 31536e3);
  else id = read();
  fill();
  flush();
}
// A click id has a form of its own, so it is known under whatever name the network put it.
function look() {
  if (seen == l.href) return;
  seen = l.href;
  var click = seen.match('[?&#][^=&#]+=(clk_\\w{26})(?!\\w)');
  if (click) return found(click[1]);
  given('direct', 'via,ref').split(',').some(function (name) {
    var code = name && seen.match('[?&]' + name + '=([\\w-]+)');
    if (code && code[1] != via) visit(code[1]);
    return code;
  });
}
var api = {
  order: order,
  consent: agree,
  click: function (o) { if (o && o.code) visit(o.code); else seen = via = 0, look(); },
  id: function (told) { asking.push(told); flush(); }
};
w.aff = function (what, a, b) { if (api[what]) api[what](a, b); };
w.aff.v = 1;

if (consent == 'denied' || navigator.globalPrivacyControl) agreed = false;
else if (consent == 'granted') agree(1);
else if (w.__tcfapi) {
  // The page's consent banner speaks TCF.
  var heard = wait();
  w.__tcfapi('addEventListener', 2, function (t, ok) {
    if (ok && t.eventStatus != 'cmpuishown') agree(t.gdprApplies === false || t.purpose.consents[1]), heard();
  });
}
function play(first) {
  early.forEach(function (one) { if ((one[0] == 'consent') == first) w.aff.apply(0, one); });
}
play(true);
look();
play(false);
flush();

['pushState', 'replaceState'].forEach(function (name) {
  var was = history[name];
  history[name] = function () { was.apply(this, arguments); look(); };
});
w.addEventListener('popstate', look);
w.addEventListener('online', flush);
// The last chance of what could not go yet.
w.addEventListener('pagehide', function () {
  orders.forEach(function (one) { if (!one.s) navigator.sendBeacon(net + '/t/order', JSON.stringify(whole(one))); });
});
d.addEventListener('DOMContentLoaded', fill);
d.addEventListener('submit', fill, true);
// Without a cookie the id may travel in the shop's own links, where the shop wants that.
d.addEventListener('click', function (e) {
  var a = e.target.closest && e.target.closest('a[href]');
  if (a && id && !agreed && given('links') && a.hostname == l.hostname && a.search.indexOf(id) < 0)
    a.search += (a.search ? '&' : '?') + 'click_id=' + id;
}, true);
})(window, document, location);

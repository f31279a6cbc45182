// utils/gateway.js: signs the visitor in at the gateway, and talks to the site as that visitor.
const SITE = 'https://shop.example.com' // 开发管理 → 开发设置 → 服务器域名: request 合法域名
const ACCOUNT = 'mini' // the name of the mini_program block
const DOOR = '/_wechat/mini-program/' + ACCOUNT

let signingIn = null // one wx.login at a time: the next one makes the data of the one before unreadable

// send is wx.request as a promise. An error says in .error what is wrong, and in .retryAfter when to come again.
function send(method, path, data, token) {
  return new Promise((resolve, reject) => wx.request({
    url: SITE + path,
    method,
    data,
    header: Object.assign({ 'Content-Type': 'application/json' }, token ? { Authorization: 'Bearer ' + token } : {}),
    success(res) {
      if (res.statusCode < 400) return resolve(res)
      const body = res.data || {}
      const header = Object.fromEntries(Object.entries(res.header || {}).map(([k, v]) => [k.toLowerCase(), v]))
      reject(Object.assign(new Error(body.message || 'HTTP ' + res.statusCode), {
        status: res.statusCode, error: body.error || '', retryAfter: Number(header['retry-after']) || 0,
      }))
    },
    fail: e => reject(Object.assign(new Error(e.errMsg), { status: 0, error: 'network', retryAfter: 1 })),
  }))
}

const wait = seconds => new Promise(done => setTimeout(done, seconds * 1000))

const keep = token => (wx.setStorageSync('gateway_token', token), token)

// draw gives a nonce: only a client that knows it gets the token of a spent code again. Before base library 2.15.0 there
// are no random values; a code without a nonce is answered again for five seconds.
const draw = () => new Promise(done => {
  const hex = bytes => Array.from(new Uint8Array(bytes), b => b.toString(16).padStart(2, '0')).join('')
  if (!wx.getRandomValues) return done({})
  wx.getRandomValues({ length: 16, success: res => done({ nonce: hex(res.randomValues) }), fail: () => done({}) })
})

// login is one wx.login. A code that was refused is followed by a new one, once; a gateway that is busy gets the same
// code and nonce again, and spends the code once only.
async function login() {
  for (let fresh = 0; ; fresh++) {
    const { code } = await new Promise((success, fail) => wx.login({ success, fail }))
    const { nonce } = await draw()
    for (let tries = 0; ; tries++) {
      try {
        const { data } = await send('POST', DOOR + '/login', nonce ? { code, nonce } : { code })
        return keep(data.token)
      } catch (e) {
        if (e.error === 'code_invalid' && fresh < 1) break
        if (!(e.error === 'network' || e.status === 503) || tries === 2 || e.retryAfter > 10) throw e // too_frequent, blocked, …
        await wait(e.retryAfter)
      }
    }
  }
}

// signIn gives a token, whoever else is asking for one.
function signIn() {
  return signingIn = signingIn || login().finally(() => { signingIn = null })
}

// request asks the site as the visitor, who is signed in first where there is need.
async function request(method, path, data) {
  const token = wx.getStorageSync('gateway_token') || await signIn()
  try {
    return await send(method, path, data, token)
  } catch (e) {
    if (e.error !== 'token_invalid' && e.error !== 'not_signed_in') throw e
    const newest = wx.getStorageSync('gateway_token') // another request may have been faster
    return send(method, path, data, newest && newest !== token ? newest : await signIn())
  }
}

// refresh says who the visitor is, and renews the token where it is due. Call it in App.onShow.
async function refresh() {
  const { data } = await request('GET', '/_wechat/session')
  if (data.token) keep(data.token)
  return data.user
}

// phone takes event.detail of <button open-type="getPhoneNumber" bindgetphonenumber="…">.
async function phone(detail) {
  if (!detail.code) return null // refused: go on without
  return (await request('POST', DOOR + '/phone', { code: detail.code })).data.phone
}

// profile takes what wx.getUserProfile gives: call it in a tap, and sign in before it.
async function profile({ rawData, signature, encryptedData, iv }) {
  return (await request('POST', DOOR + '/profile', { rawData, signature, encryptedData, iv })).data.user
}

// page is the src for a <web-view>, in which the visitor is signed in. It is good for a minute, and once.
async function page(path) {
  const { data } = await request('POST', DOOR + '/ticket', {})
  const [address, fragment] = (SITE + path).split('#')
  const ticket = data.parameter + '=' + encodeURIComponent(data.ticket)
  return address + (address.includes('?') ? '&' : '?') + ticket + (fragment === undefined ? '' : '#' + fragment)
}

// signOut ends the session, at every gateway, and with it those of the web-views that were opened from here.
async function signOut() {
  const token = wx.getStorageSync('gateway_token')
  wx.removeStorageSync('gateway_token')
  if (token) await send('POST', '/_wechat/logout', {}, token)
}

module.exports = { signIn, request, refresh, phone, profile, page, signOut }

// A mini program for Node: a tiny wx, whose user and whose WeChat are the simulator's, and a visit that uses
// gateway.js as docs/doors.md has it. It prints one line of JSON for each thing that happens.
//
//	SIM=http://… SITE=http://… PERSON=… APP_ID=… node client.js
'use strict'
const { webcrypto } = require('node:crypto')
const { SIM, SITE, PERSON, APP_ID } = process.env
const storage = new Map()
let logins = 0 // of wx.login
let badCodes = 0 // how many of the next codes are spoilt

const say = line => process.stdout.write(JSON.stringify(line) + '\n')

async function simulated(call) {
  const res = await fetch(SIM + '/_sim/wx/' + call, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ person: PERSON, app_id: APP_ID }),
  })
  if (!res.ok) throw new Error(call + ': ' + res.status + ' ' + await res.text())
  return res.json()
}

globalThis.wx = {
  getStorageSync: key => storage.get(key) ?? '',
  setStorageSync: (key, value) => void storage.set(key, value),
  removeStorageSync: key => void storage.delete(key),
  login({ success, fail }) {
    logins++
    simulated('login').then(({ code }) => success({ code: badCodes-- > 0 ? code.split('').reverse().join('') : code }), fail)
  },
  getRandomValues: ({ length, success }) => success({ randomValues: webcrypto.getRandomValues(new Uint8Array(length)).buffer }),
  // Like WeChat's: the data of a GET goes into the address, every status is a success, JSON is read.
  request({ url, method = 'GET', data, header = {}, success, fail }) {
    if (!url.startsWith('https://shop.example.com/')) throw new Error(url + ' is not on the list of request domains')
    if (url.endsWith('/login') && !/^[0-9a-f]{32}$/.test(data.nonce)) throw new Error('a login without a nonce')
    const address = SITE + url.slice('https://shop.example.com'.length) // there is no DNS for it here
    const options = { method, headers: header, redirect: 'manual' }
    if (method !== 'GET' && data !== undefined) options.body = JSON.stringify(data)
    fetch(address, options).then(async res => {
      const text = await res.text()
      const answer = { statusCode: res.status, header: Object.fromEntries(res.headers), data: text }
      say({ answer: method + ' ' + url, ...answer })
      try { answer.data = JSON.parse(text) } catch { /* text it is */ }
      success(answer)
    }, e => fail({ errMsg: 'request:fail ' + e.message }))
  },
}

const gateway = require('./gateway.js')

async function refused(what, f) {
  try {
    await f()
  } catch (e) {
    return say({ step: what, error: e.error, status: e.status, message: e.message })
  }
  throw new Error(what + ': was not refused')
}

async function visit() {
  // The first pages of the mini program, all at once: one sign-in.
  const pages = await Promise.all([1, 2, 3].map(n => gateway.request('GET', '/who?page=' + n)))
  say({ step: 'pages', told: pages.map(res => res.data), logins })
  say({ step: 'session', user: await gateway.refresh() })

  // The phone button, and nickname and avatar.
  say({ step: 'phone', phone: await gateway.phone(await simulated('phone')) })
  say({ step: 'phone refused', phone: await gateway.phone({ errMsg: 'getPhoneNumber:fail user deny' }) })
  say({ step: 'profile', user: await gateway.profile(await simulated('profile')) })
  const old = await simulated('profile')
  await gateway.signIn() // makes what was fetched before it unreadable
  await refused('stale profile', () => gateway.profile(old))
  say({ step: 'told', told: (await gateway.request('GET', '/who')).data })

  // A web-view.
  say({ step: 'web-view', src: await gateway.page('/who?a=%2F&b#part') })

  // The session ends elsewhere; nobody notices.
  const before = storage.get('gateway_token')
  await gateway.signOut()
  storage.set('gateway_token', before)
  say({ step: 'again', told: (await gateway.request('GET', '/who')).data, logins })

  // Codes that WeChat does not take: one more try, and then it is said.
  badCodes = 1
  await gateway.signIn()
  badCodes = 2
  await refused('bad codes', () => gateway.signIn())
  badCodes = 0
  await gateway.signOut()
  say({ step: 'end', stored: storage.size })
}

visit().catch(e => { say({ failed: String(e.stack) }); process.exitCode = 1 })

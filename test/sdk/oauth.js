// An app with a WeChat sign-in of its own: co-wechat-oauth, as people use it. It has no code of ours, and knows the
// gateway by the identity headers only. It prints its address.
//
//	WECHAT=http://… SITE=http://… APP_ID=… APP_SECRET=… node oauth.js
'use strict'
const http = require('node:http')
const OAuth = require('co-wechat-oauth')
const { WECHAT, SITE, APP_ID, APP_SECRET } = process.env

// The library knows WeChat's hosts only.
class SimulatedOAuth extends OAuth {
  request(url, options) {
    return super.request(url.replace('https://api.weixin.qq.com', WECHAT), options)
  }

  getAuthorizeURL(...args) {
    return super.getAuthorizeURL(...args).replace('https://open.weixin.qq.com', WECHAT)
  }
}

const oauth = new SimulatedOAuth(APP_ID, APP_SECRET)

const routes = {
  '/own/login': async (query, res) => {
    res.writeHead(302, { Location: oauth.getAuthorizeURL(SITE + '/own/callback', query.get('state'), 'snsapi_userinfo') }).end()
  },
  '/own/callback': async query => {
    const token = await oauth.getAccessToken(query.get('code'))
    const user = await oauth.getUser({ openid: token.data.openid, lang: 'zh_CN' })
    const renewed = await oauth.refreshAccessToken(token.data.refresh_token)
    return { ...user, state: query.get('state'), renewed: renewed.data.openid === user.openid }
  },
  '/': async (query, res, req) => ({ openid: req.headers['x-wechat-openid'] ?? '' }),
}

const server = http.createServer(async (req, res) => {
  const url = new URL(req.url, SITE)
  try {
    const answer = await (routes[url.pathname] ?? routes['/'])(url.searchParams, res, req)
    if (answer) res.end(JSON.stringify(answer))
  } catch (err) {
    res.writeHead(500).end(JSON.stringify({ errcode: err.code ?? 0, errmsg: err.message }))
  }
})
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))

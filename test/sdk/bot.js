// A message bot: wechat, as people use it, in safe mode. It has no code of ours. It prints its address.
//
//	APP_ID=… TOKEN=… AES_KEY=… node bot.js
'use strict'
const http = require('node:http')
const wechat = require('wechat')
const { APP_ID, TOKEN, AES_KEY } = process.env

const bot = wechat({ token: TOKEN, appid: APP_ID, encodingAESKey: AES_KEY }, (req, res) => {
  res.reply(req.weixin.MsgType === 'text' ? '您说:' + req.weixin.Content : '')
})

const server = http.createServer((req, res) => {
  req.query = Object.fromEntries(new URL(req.url, 'http://bot').searchParams) // as Express does
  bot(req, res, err => res.writeHead(500).end(String(err)))
})
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))

// Hands the lines of its input to the verifier of docs/assertion.md.
const { verify, held } = require('./wechat-assertion.js');

(async () => {
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    if (line.startsWith('age ')) {
      held.tried -= Number(line.slice(4));
      held.fetched -= Number(line.slice(4));
      console.log('aged');
      continue;
    }
    try {
      const claims = await verify(line);
      console.log('ok', claims.openid, claims.nickname);
    } catch {
      console.log('refused');
    }
  }
})();

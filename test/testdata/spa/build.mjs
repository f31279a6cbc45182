// Builds the pages of docs/spa.md as their readers do: node build.mjs <folder>. The folder holds client.js, app.js,
// App.vue and App.jsx; the pages' scripts go to plain.js, vue.js and react.js there. It fails if client.js or app.js is
// not ES5.
import { parse as parseScript } from 'acorn'
import { build } from 'esbuild'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileScript, parse } from 'vue/compiler-sfc'

const folder = process.argv[2]
const vue = {
  name: 'vue',
  setup: bundle => bundle.onLoad({ filter: /\.vue$/ }, async ({ path }) => {
    const { descriptor, errors } = parse(await readFile(path, 'utf8'), { filename: path })
    if (errors.length) throw errors[0]
    return { contents: compileScript(descriptor, { id: 'app', inlineTemplate: true, isProd: true }).content, loader: 'js' }
  }),
}
await writeFile(join(folder, 'main-vue.js'), "import { createApp } from 'vue'\nimport App from './App.vue'\ncreateApp(App).mount('#app')\n")
await writeFile(join(folder, 'main-react.jsx'),
  "import { createRoot } from 'react-dom/client'\nimport App from './App.jsx'\ncreateRoot(document.getElementById('app')).render(<App />)\n")
await build({
  entryPoints: { vue: join(folder, 'main-vue.js'), react: join(folder, 'main-react.jsx') },
  outdir: folder, bundle: true, minify: true, jsx: 'automatic', plugins: [vue], logLevel: 'error',
  nodePaths: [join(import.meta.dirname, 'node_modules')], define: { 'process.env.NODE_ENV': '"production"' },
})
await copyFile(join(folder, 'app.js'), join(folder, 'plain.js'))
for (const script of ['client.js', 'plain.js']) parseScript(await readFile(join(folder, script), 'utf8'), { ecmaVersion: 5 })

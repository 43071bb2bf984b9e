// Bundles entry.js with the exact versions of package.json, and collects their licences.
//
//     node build.mjs MODULES TARGET
//
// MODULES is a directory in which `npm install` was run with this directory's package.json;
// collaboration.js and LICENSES.txt are written to the directory TARGET. The same versions always
// make the same bytes.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const [modules, target] = process.argv.slice(2).map((name) => path.resolve(name))
const { build } = createRequire(path.join(modules, 'package.json'))('esbuild')
const { dependencies } = JSON.parse(readFileSync(path.join(here, 'package.json'), 'utf8'))

const result = await build({
  stdin: {
    contents: readFileSync(path.join(here, 'entry.js'), 'utf8'),
    resolveDir: modules,
    sourcefile: 'entry.js',
  },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
  absWorkingDir: modules,
  metafile: true,
  write: false,
})

const used = new Set(
  Object.keys(result.metafile.inputs)
    .map((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1])
    .filter(Boolean),
)
const unnamed = [...used].filter((name) => !(name in dependencies))
if (unnamed.length) throw new Error(`package.json does not name ${unnamed.join(', ')}`)

const licences = [...used].sort().map((name) => {
  const folder = path.join(modules, 'node_modules', name)
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  if (version !== dependencies[name]) throw new Error(`${name} ${version} is installed`)
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file ? readFileSync(path.join(folder, file), 'utf8').trim() : `Licence: ${license}`
  return `${name} ${version} (${license})\n\n${text}\n`
})

writeFileSync(path.join(target, 'collaboration.js'), result.outputFiles[0].contents)
writeFileSync(path.join(target, 'LICENSES.txt'), licences.join(`\n${'-'.repeat(72)}\n\n`))

/** Nothing inline: our Content-Security-Policy has no exception, so an inline style or script would silently not work. */
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { type Fault, type Files, isTest, place, withoutComments } from './source.ts'

const inTemplates: [pattern: RegExp, what: string][] = [
  [/<style\b/gi, 'a <style> element'],
  [/<script\b(?![^>]*\bsrc=)/gi, 'a script without src'],
  [/[\s"'`]style\s*=\s*["'`$]/gi, 'a style attribute'],
  [/['"]style['"]\s*:/g, 'a style attribute'],
  [/\battributes:\s*\{[^}]*\bstyle\s*:/g, 'a style attribute'],
  [/[\s"'`]on[a-z]{3,}\s*=\s*["'`$]/g, 'an event attribute'],
  [/['"]on[a-z]{3,}['"]\s*:/g, 'an event attribute'],
  [/\bjavascript:/gi, 'a javascript: address'],
]

/** Every inline style, script and event attribute in the templates and pictures of the sources. */
export function inlineInSources(sources: Files): Fault[] {
  const faults: Fault[] = []
  for (const [path, full] of sources) {
    if (isTest(path)) continue
    const text = path.endsWith('.ts') ? withoutComments(full) : full
    for (const [pattern, what] of inTemplates)
      for (const { index } of text.matchAll(pattern)) faults.push(`${place(path, text, index)} has ${what}.`)
  }
  return faults
}

/** The same in a page as it is served, read as a browser reads it. */
export function inlineInPage(url: string, page: string): Fault[] {
  const faults: Fault[] = []
  const walk = (node: DefaultTreeAdapterTypes.Node) => {
    if ('tagName' in node) {
      if (node.tagName === 'style') faults.push(`${url} has a <style> element.`)
      if (node.tagName === 'script' && !node.attrs.some((a) => a.name === 'src')) faults.push(`${url} has a script without src.`)
      for (const { name, value } of node.attrs) {
        if (name === 'style') faults.push(`${url} has a style attribute on ${node.tagName}: ${value}`)
        if (/^on/.test(name)) faults.push(`${url} has the event attribute ${name} on ${node.tagName}.`)
        if (/^\s*javascript:/i.test(value)) faults.push(`${url} has a javascript: address in ${name} of ${node.tagName}.`)
      }
      // What stands in a template element is inserted by a script later.
      if ('content' in node) walk(node.content)
    }
    if ('childNodes' in node) node.childNodes.forEach(walk)
  }
  walk(parse(page))
  return faults
}

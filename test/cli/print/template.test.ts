import { expect, test } from 'vitest';
import { diagnosticText } from '../../../cli/print/diagnostic.ts';
import { readTemplate } from '../../../cli/print/template/template.ts';
import type { GoValue } from '../../../runtime/oci/go-value.ts';
import { GoStruct, GoTexts } from '../../../runtime/oci/go-value.ts';

const VALUE = new GoStruct('image', [
  { name: 'Name', json: 'name', value: 'app' },
  { name: 'Image', json: 'image', value: new GoStruct('Image', undefined), omitEmpty: true },
  {
    name: 'Manifest',
    json: 'manifest',
    value: new GoStruct('Descriptor', [
      { name: 'Size', json: 'size', value: 12n },
      { name: 'Annotations', json: 'annotations', value: new GoTexts([['b', '2'], ['a', '1']]) },
    ]),
  },
  { name: 'SBOM', value: new Map<string, GoValue>([['packages', [new Map([['name', 'zlib']])]], ['none', undefined]]) },
]); // prettier-ignore

function filled(text: string): string {
  const template = readTemplate({ name: '--format', text });
  if (!template.ok) return diagnosticText(template.failure);
  const result = template.value.fill(VALUE);
  return result.ok ? result.value : diagnosticText(result.failure);
}

test.each([
  ['{{.Name}}{{ /* not seen */ }}!', 'app!'],
  ['a {{- " b " -}} c', 'a b c'],
  [
    '{{json .}}',
    '{\n  "name": "app",\n  "manifest": {\n    "size": 12,\n    "annotations": {\n      "a": "1",\n      "b": "2"\n    }\n  }\n}',
  ],
  [
    '{{.Manifest.Annotations}} {{index .Manifest.Annotations "no"}}|{{.Manifest.Annotations.no}}',
    'map[a:1 b:2] |<no value>',
  ],
  ['{{range $k, $v := .Manifest.Annotations}}{{$k}}{{$v}}{{$.Name}} {{end}}', 'a1app b2app '],
  [
    '{{range .SBOM.packages}}{{.name}}{{.version}}{{end}}{{range .SBOM.nobody}}x{{else}}none{{end}}',
    'zlib<no value>none',
  ],
  ['{{with .Image}}image{{else}}no image{{end}}{{if not .Image}}!{{end}}', 'no image!'],
  ['{{(index .SBOM.packages 0).name | printf "%5s|%-5s" "a"}}', '    a|zlib '],
  [
    '{{eq .Name "b" "app"}} {{len .Name}} {{and .Name .Manifest.Size}} {{or .Image .Name}} {{print nil}}',
    'true 3 12 app <nil>',
  ],
  ['{{$a := 1}}{{range .SBOM.packages}}{{$a = 2}}{{end}}{{$a}}', '2'],
  ['{{.SBOM}}', 'map[none:<nil> packages:[map[name:zlib]]]'],
])('%s gives %s', (text, expected) => {
  expect(filled(text)).toBe(expected);
});

test.each([
  ['a {{.Name', '--format:1:3: an action that begins with {{ does not end with }}\n  1 | a {{.Name\n    |   ^^'],
  ['{{.Nmae}}', '--format:1:3: there is no field "Nmae"\n  1 | {{.Nmae}}\n    |   ^^^^^ did you mean "Name"?'],
  ['{{jsno .}}', '--format:1:3: there is no function "jsno"\n  1 | {{jsno .}}\n    |   ^^^^ did you mean "json"?'],
  ['x\n{{if .Name}}', '--format:2:3: if without an end\n  2 | {{if .Name}}\n    |   ^^'],
  ['{{end}}', '--format:1:3: end belongs to an if, a with or a range, and none is open\n  1 | {{end}}\n    |   ^^^'],
  [
    '{{.Manifest}}',
    '--format:1:3: Descriptor has no text of its own\n  1 | {{.Manifest}}\n    |   ^^^^^^^^^ {{json .Manifest}} writes it as JSON',
  ],
  [
    '{{.Image.Config}}',
    '--format:1:3: there is no Image here of which to give Config\n  1 | {{.Image.Config}}\n    |   ^^^^^^^^^^^^^',
  ],
  [
    '{{.SBOM.none.more}}',
    '--format:1:3: there is nothing here of which to give more\n  1 | {{.SBOM.none.more}}\n    |   ^^^^^^^^^^^^^^^',
  ],
  ['{{template "x"}}', '--format:1:3: template is not supported here\n  1 | {{template "x"}}\n    |   ^^^^^^^^'],
  [
    '{{index .SBOM.packages 1}}',
    '--format:1:3: index: the list has 1 elements, counted from 0; there is no 1\n  1 | {{index .SBOM.packages 1}}\n    |   ^^^^^^^^^^^^^^^^^^^^^^',
  ],
  ['{{$x}}', '--format:1:3: there is no variable $x\n  1 | {{$x}}\n    |   ^^'],
  [
    '{{.Name .Image}}',
    '--format:1:9: only a function can be given something, and this is none\n  1 | {{.Name .Image}}\n    |         ^^^^^^',
  ],
  [
    '{{printf "%1000001d" 1}}',
    '--format:1:3: printf: %1000001d is wider than 1000000\n  1 | {{printf "%1000001d" 1}}\n    |   ^^^^^^^^^^^^^^^^^^^^',
  ],
  [
    '{{printf "%x" 1}}',
    '--format:1:3: printf: %x is not supported; %v, %s, %q, %d and %t are\n  1 | {{printf "%x" 1}}\n    |   ^^^^^^^^^^^^^',
  ],
  ['{{"\\q"}}', '--format:1:3: a text with an escape that is not known\n  1 | {{"\\q"}}\n    |   ^^^^'],
  ['{{(.Name}}', '--format:1:3: a parenthesis that is not closed\n  1 | {{(.Name}}\n    |   ^'],
  [
    `{{${'('.repeat(101)}.Name${')'.repeat(101)}}}`,
    expect.stringContaining('more than 100 of these stand within each other'),
  ],
  ['{{}}', '--format:1:1: an action without anything in it\n  1 | {{}}\n    | ^^^^'],
  ['{{%}}', '--format:1:3: "%" means nothing in an action\n  1 | {{%}}\n    |   ^'],
])('%s is told as a mistake with its place', (text, expected) => {
  expect(filled(text)).toEqual(expected);
});

// Icons of 20 by 20, drawn with strokes of the text's colour.

const shapes = {
  overview: 'M3 14l4-5 3.5 3L17 5M3 17h14',
  estate: 'M3 17h14M4.5 17V8l5-3.5v12.5M9.5 9h6v8M12 12h1.5M12 14.5h1.5M6.5 10h1M6.5 13h1',
  services: 'M4 4h12v5H4zM4 11h12v5H4zM6.5 6.5h.01M6.5 13.5h.01M9 6.5h4M9 13.5h4',
  routes: 'M4 4v4a3 3 0 003 3h9M13 8l3 3-3 3M4 8v8',
  migrations: 'M3 15.5c1.2 0 1.2-1 2.4-1s1.2 1 2.4 1 1.2-1 2.4-1 1.2 1 2.4 1 1.2-1 2.4-1 1.2 1 2 1M5 11.5h10l-1.6 0M9.5 3v7H6zM11 5v5h3z',
  audit: 'M5 3h10v14H5zM7.5 7h5M7.5 10h5M7.5 13h3',
  pass: 'M4.5 10.5l3.5 3.5 7.5-8',
  fail: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
  wait: 'M6 10h.01M10 10h.01M14 10h.01',
  chevron: 'M7.5 5l5 5-5 5',
  print: 'M6 8V3h8v5M6 14H4V8h12v6h-2M6 12h8v5H6z',
  screen: 'M3 8V4h4M13 4h4v4M17 12v4h-4M7 16H3v-4',
  plus: 'M10 4v12M4 10h12',
  arrow: 'M3 10h13M12 6l4 4-4 4',
  pause: 'M7 5v10M13 5v10',
  play: 'M7 4.5l8 5.5-8 5.5z',
  up: 'M4 15h4v-4h4V7h4V4',
  back: 'M8 5L4 9l4 4M4 9h8a4 4 0 010 8H9',
  download: 'M10 3v9M6.5 9l3.5 3.5L13.5 9M4 16.5h12',
  pen: 'M4 16l1-4 8-8 3 3-8 8zM11.5 5.5l3 3',
  warn: 'M10 3.5L17.5 16h-15zM10 8v4M10 14h.01',
} as const

export type IconName = keyof typeof shapes

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  )
}

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path className="mark-water" d="M3 25c2.2 0 2.2-1.7 4.3-1.7S9.5 25 11.7 25s2.2-1.7 4.3-1.7S18.2 25 20.3 25s2.2-1.7 4.4-1.7S26.8 25 29 25" />
      <path d="M6 17.5h20l-3 4H9.2z" />
      <path d="M15 4.5v11.5H7.2zM17 7.5v8.5h6z" />
    </svg>
  )
}

import { createRoot } from 'react-dom/client'
import { App } from './app'
import { applyPrefs } from './i18n'
import './styles/index.css'

applyPrefs()
const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)

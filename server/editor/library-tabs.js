// The four libraries: where each is found, how its things look, and what a layer takes from one.

import { unsigned } from './assets.js'

const any = (label) => ['', label]
const SPOKEN = ['ar', 'bn', 'cs', 'da', 'de', 'el', 'en', 'es', 'fa', 'fi', 'fr', 'he', 'hi', 'hu', 'id', 'it', 'ja', 'ko', 'nl', 'nb', 'pl', 'pt', 'ro', 'ru', 'sv', 'sw', 'ta', 'th', 'tr', 'uk', 'ur', 'vi', 'zh']
const OWN = (navigator.language || 'en').split('-')[0]

export const TABS = [
  {
    id: 'media', stocked: true, label: 'Media', icon: 'media', type: 'media', path: '/media/library', list: 'media', look: 'pictures', query: {},
    filters: [
      { key: 'type', label: 'Type', options: [any('All types'), ['image', 'Images'], ['video', 'Videos'], ['gif', 'GIFs']] },
      { key: 'source', label: 'Source', options: [any('All sources'), ['stock', 'Stock'], ['uploaded', 'Uploaded'], ['ai', 'Generated']] },
    ],
    upload: { path: '/media/upload', accept: '.jpg,.jpeg,.png,.gif,.mp4,.mov', fields: { category: 'Uploads' }, list: 'media' },
    generate: true,
    says: (item, clock) => [item.type, item.generator === 'procedural' ? 'composed by rule' : item.generator, item.duration ? clock(item.duration) : null, item.dimensions ? `${item.dimensions.width} × ${item.dimensions.height}` : null].filter(Boolean).join(' · '),
    properties: (item) => ({ media_id: item.id, media_url: unsigned(item.url), media_type: item.type }),
  },
  {
    id: 'audio', stocked: true, label: 'Audio', icon: 'audio', type: 'audio', path: '/audio/library', list: 'audio', look: 'rows', query: {}, favorites: true,
    filters: [
      { key: 'type', label: 'Which', options: [any('All'), ['stock', 'Stock'], ['my', 'Mine'], ['favorites', 'Favorites']] },
      { key: 'category', label: 'Category', options: [any('Music and effects'), ['music', 'Music'], ['sound_effects', 'Sound effects']] },
    ],
    upload: { path: '/audio/upload', accept: '.mp3,.wav,.m4a', fields: { category: 'music' }, list: 'audio' },
    sound: (item) => item.url,
    says: (item, clock) => [item.artist, clock(item.duration ?? 0)].filter(Boolean).join(' · '),
    properties: (item) => ({ audio_id: item.id, audio_url: unsigned(item.url), category: item.category }),
  },
  {
    id: 'voices', label: 'Voices', icon: 'voiceover', type: 'voiceover', path: '/voices', list: 'voices', look: 'rows', query: SPOKEN.includes(OWN) ? { language: OWN } : {},
    filters: [
      { key: 'language', label: 'Language', options: [any('All languages'), ...languages()] },
      { key: 'gender', label: 'Voice', options: [any('All voices'), ['female', 'Female'], ['male', 'Male'], ['child', 'Child']] },
      { key: 'category', label: 'Category', options: [any('All categories'), ['standard', 'Standard'], ['ultra', 'Ultra'], ['studio', 'Studio']] },
    ],
    sound: (item) => item.sample_url,
    says: (item) => [item.language, item.dialect, item.gender, item.style].filter(Boolean).join(' · '),
    properties: (item) => ({ voice_id: item.id, voice_name: item.name, language: item.language_code, gender: item.gender, style: item.style }),
  },
  {
    id: 'avatars', stocked: true, label: 'Avatars', icon: 'avatar', type: 'avatar', path: '/avatars', list: 'avatars', look: 'pictures', query: {},
    filters: [
      { key: 'gender', label: 'Gender', options: [['all', 'All genders'], ['female', 'Female'], ['male', 'Male']] },
      { key: 'category', label: 'Category', options: [any('All sources'), ['stock', 'Stock'], ['my', 'Mine'], ['generated', 'Generated']] },
    ],
    says: (item) => [item.gender, item.style].filter(Boolean).join(' · '),
    properties: (item) => ({ avatar_id: item.id, avatar_url: unsigned(item.preview_url), video_url: unsigned(item.video_url) ?? null }),
  },
]

/** The codes and names of languages that are often spoken, in the order of their names. */
function languages() {
  const names = new Intl.DisplayNames(['en'], { type: 'language' })
  return SPOKEN.map((code) => [code, names.of(code)]).sort((a, b) => a[1].localeCompare(b[1]))
}

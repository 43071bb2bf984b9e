// Moving an item of a vertical list by dragging its grip.

export class Reorder {
  #drag = null

  /**
   * @param {Element} list whose children are the items, with `data-key`
   * @param {string} item selector of an item; its `.grip` is what is dragged
   * @param {(key: string, index: number) => void} moved
   * @param {() => boolean} may
   */
  constructor(list, item, moved, may) {
    Object.assign(this, { list, item, moved, may })
    list.addEventListener('pointerdown', this.#down)
  }

  close() {
    this.list.removeEventListener('pointerdown', this.#down)
    this.#end()
  }

  #down = (event) => {
    const grip = event.target.closest('.grip')
    if (!grip || event.button !== 0 || !this.may()) return
    const element = grip.closest(this.item)
    this.#drag = { element, y: event.clientY, index: this.#items().indexOf(element) }
    grip.setPointerCapture(event.pointerId)
    element.classList.add('dragged')
    grip.addEventListener('pointermove', this.#move)
    grip.addEventListener('pointerup', this.#up, { once: true })
    grip.addEventListener('pointercancel', this.#end, { once: true })
    this.#drag.grip = grip
  }

  #move = (event) => {
    const { element, y } = this.#drag
    element.style.transform = `translateY(${event.clientY - y}px)`
    this.#drag.target = this.#items().filter((other) => other !== element && middle(other) < event.clientY).length
    for (const [at, other] of this.#items().filter((one) => one !== element).entries()) {
      other.classList.toggle('drop-before', at === this.#drag.target)
      other.classList.toggle('drop-after', this.#drag.target === this.#items().length - 1 && at === this.#drag.target - 1)
    }
  }

  #up = () => {
    const { element, index, target } = this.#drag
    this.#end()
    if (target !== undefined && target !== index) this.moved(element.dataset.key, target)
  }

  #end = () => {
    if (!this.#drag) return
    const { element, grip } = this.#drag
    this.#drag = null
    grip.removeEventListener('pointermove', this.#move)
    element.classList.remove('dragged')
    element.style.transform = ''
    for (const other of this.#items()) other.classList.remove('drop-before', 'drop-after')
  }

  #items() {
    return [...this.list.children]
  }
}

function middle(element) {
  const box = element.getBoundingClientRect()
  return box.top + box.height / 2
}

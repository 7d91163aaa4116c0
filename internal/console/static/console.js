// What a script adds to pages that work without one.
'use strict';
(() => {
  const all = (selector, work) => document.querySelectorAll(selector).forEach(work);
  const byId = (id) => document.getElementById(id);

  // Instants in the reader's own time zone.
  all('time[datetime]', (el) => {
    const at = new Date(el.dateTime);
    if (isNaN(at)) return;
    el.title = el.textContent;
    el.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' });
  });

  // Copy buttons.
  const copyText = async (el) => {
    const text = 'value' in el ? el.value : el.textContent;
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    if ('select' in el) el.select(); // plain HTTP has no clipboard: select, and copy the old way
    else getSelection().selectAllChildren(el);
    if (!document.execCommand('copy')) throw new Error('not copied');
  };
  all('[data-copy]', (button) => {
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await copyText(byId(button.dataset.copy));
        button.textContent = button.dataset.done;
      } catch {
        byId(button.dataset.copy).focus();
      }
    });
  });

  // Show the password.
  all('[data-show]', (button) => {
    const input = byId(button.dataset.show);
    const show = button.textContent;
    button.hidden = false;
    button.addEventListener('click', () => {
      const hidden = input.type === 'password';
      input.type = hidden ? 'text' : 'password';
      button.textContent = hidden ? button.dataset.hideText : show;
      button.setAttribute('aria-pressed', String(hidden));
      input.focus();
    });
  });

  // Caps lock.
  all('[data-caps]', (input) => {
    const note = byId(input.dataset.caps);
    const look = (e) => { note.hidden = !(e.getModifierState && e.getModifierState('CapsLock')); };
    input.addEventListener('keyup', look);
    input.addEventListener('keydown', look);
    input.addEventListener('blur', () => { note.hidden = true; });
  });

  // Addresses: add one's own, and say what is none while it is typed. The server decides.
  const isAddress = (s) => {
    const [addr, bits, more] = s.split('/');
    if (more !== undefined || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return false;
    if (!addr.includes(':')) {
      const parts = addr.split('.');
      return parts.length === 4 && parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && p <= 255) && !(bits > 32);
    }
    return /^[0-9a-fA-F:.]+$/.test(addr) && addr.split('::').length <= 2 && !(bits > 128);
  };
  all('[data-lines=address]', (area) => {
    const say = document.createElement('p');
    say.className = 'wrong';
    say.setAttribute('role', 'status');
    say.hidden = true;
    area.after(say);
    area.addEventListener('input', () => {
      const bad = area.value.split(/[\s,;]+/).find((s) => s && !isAddress(s));
      say.hidden = !bad;
      say.textContent = bad ? area.dataset.wrong.replace('{0}', bad) : '';
    });
  });
  all('[data-add]', (button) => button.addEventListener('click', (e) => {
    e.preventDefault();
    const area = byId(button.dataset.add);
    if (!area.value.split(/[\s,;]+/).includes(button.value)) area.value = (area.value.trim() + '\n' + button.value).trim();
    area.dispatchEvent(new Event('input'));
  }));

  // Choosing a date chooses "custom".
  all('[data-picks]', (input) => input.addEventListener('input', () => { byId(input.dataset.picks).checked = true; }));

  // A form is sent once.
  all('form[method=post]', (form) => form.addEventListener('submit', () => {
    setTimeout(() => form.querySelectorAll('button').forEach((b) => { b.disabled = true; }));
  }));
  addEventListener('pageshow', () => all('form button[disabled]', (b) => { b.disabled = false; }));
})();

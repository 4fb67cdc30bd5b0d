'use strict';
(() => {
  const $ = (selector) => Array.from(document.querySelectorAll(selector));
  const form = document.querySelector('.filter');
  const text = document.getElementById('filter');
  const boxes = $('.filter input[type=checkbox]');
  const output = document.getElementById('matches');
  const rows = $('[data-marks]').map((element) => ({
    element, marks: element.dataset.marks.split(' '), text: element.textContent.toLowerCase(),
  }));
  const controls = rows.filter((row) => row.element.matches('details'));
  const shown = (row) => !row.element.hidden;

  // What works without a script is shown without one; the rest appears here.
  form.hidden = false;
  document.querySelector('.tools').hidden = false;

  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const marks = boxes.filter((box) => box.checked).map((box) => box.value);
    for (const row of rows) {
      row.element.hidden = !row.marks.some((mark) => marks.includes(mark)) || !words.every((word) => row.text.includes(word));
    }
    for (const body of $('.matrix tbody')) {
      const group = body.querySelector('.group');
      if (group) group.hidden = !body.querySelector('tr[data-marks]:not([hidden])');
    }
    output.textContent = controls.filter(shown).length + ' of ' + controls.length + ' ' + (output.dataset.of || 'controls');
  };
  form.addEventListener('input', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  apply();

  const openAll = (open) => { for (const row of controls) if (shown(row)) row.element.open = open; };
  document.getElementById('open').addEventListener('click', () => openAll(true));
  document.getElementById('close').addEventListener('click', () => openAll(false));

  // A link to a control opens it, even when the filter hid it.
  const reveal = () => {
    const body = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = body && body.closest('details');
    if (!details) return;
    details.hidden = false;
    details.open = true;
    details.scrollIntoView();
  };
  addEventListener('hashchange', reveal);
  reveal();

  // Paper cannot be opened: print everything, then restore.
  let closed = [];
  addEventListener('beforeprint', () => {
    closed = $('details:not([open])');
    for (const details of closed) details.open = true;
  });
  addEventListener('afterprint', () => { for (const details of closed) details.open = false; });
})();

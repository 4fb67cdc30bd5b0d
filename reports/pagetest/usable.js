// Says on the page what nobody could reach by the keyboard, and what would not print.
addEventListener('load', () => {
  const $ = (selector) => Array.from(document.querySelectorAll(selector));
  const faults = [];
  const short = (element) => element.outerHTML.slice(0, 80);
  for (const element of $('a[href], button, input, summary, [tabindex="0"]').filter((element) => element.checkVisibility())) {
    element.focus();
    if (document.activeElement !== element) faults.push('it cannot have the focus: ' + short(element));
  }
  for (const element of $('.scroll')) {
    if (element.tabIndex !== 0 || !element.getAttribute('aria-label')) faults.push('it cannot be scrolled to, or has no name: ' + short(element));
  }
  for (const input of $('input')) {
    if (!input.labels.length) faults.push('it has no label: ' + short(input));
  }
  const details = $('details');
  const open = () => details.filter((one) => one.open).length;
  details[0].querySelector('summary').click();
  if (!details[0].open) faults.push('details do not open');
  dispatchEvent(new Event('beforeprint'));
  if (open() !== details.length) faults.push('paper would show ' + open() + ' of ' + details.length + ' details');
  dispatchEvent(new Event('afterprint'));
  if (open() !== 1) faults.push('after printing ' + open() + ' details are open');
  document.body.dataset.faults = faults.join('; ') || 'none';
});

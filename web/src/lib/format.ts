/** Numbers and times as people read them, in the page's language. */

/** The browser's own region where it speaks the page's language: en-GB rather than en. */
function locale(language: string): string {
  return navigator.languages.find((tag) => tag.startsWith(language)) ?? language;
}

const minute = 60;
const hour = 3600;
const tenths_until = 10; // seconds

/** Seconds as `8 s`, `2:05` or `1:02:05`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < minute) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const rest = `${two(whole % minute)}`;
  if (whole < hour) return `${Math.floor(whole / minute)}:${rest}`;
  return `${Math.floor(whole / hour)}:${two(Math.floor((whole % hour) / minute))}:${rest}`;
}

/** How long something took: `0.6 s` while tenths tell something, then as a duration. */
export function time_taken(seconds: number, language: string): string {
  if (seconds >= tenths_until) return duration(seconds);
  const tenths = Math.max(0, seconds).toLocaleString(locale(language), {
    maximumFractionDigits: 1,
  });
  return `${tenths} s`;
}

/** A moment as date and time; milliseconds since 1970. */
export function moment(milliseconds: number, language: string): string {
  return new Date(milliseconds).toLocaleString(locale(language), {
    dateStyle: 'medium',
    timeStyle: 'short',
  });
}

export function clock(milliseconds: number, language: string): string {
  return new Date(milliseconds).toLocaleTimeString(locale(language));
}

export function count(value: number, language: string): string {
  return value.toLocaleString(locale(language));
}

/** The last part of a picture's name. */
export function file_name(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

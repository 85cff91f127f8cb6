// Plain words and numbers for what the program says in codes.

export const number = (n: number): string => n.toLocaleString('en-US');
export const count = (n: number, one: string, many = one + 's'): string => `${number(n)} ${n === 1 ? one : many}`;
export const clock = (time: string): string => time.slice(11, 19);
export const day = (time: string): string => time.slice(0, 10);

/** The sentence without the packs it was judged by: the page says these once. */
export const brief = (sentence: string): string => sentence.replace(/ \(under packs [^)]*\)/g, '').replace(/([^.])$/, '$1.');

const roles: Record<string, string> = {
  individual: 'Patients’ own', entity: 'Covered entities', associate: 'Business associates', subcontractor: 'Subcontractors', other: 'Others',
};
export const roleName = (role: string): string => roles[role] ?? role;

const forms: Record<string, string> = { identified: 'identified', limited: 'limited data set', deidentified: 'de-identified', none: 'nothing licensed' };
export const formName = (form: string): string => forms[form] ?? form;

const abouts: Record<string, string> = { contract: 'Contracts', ground: 'Grounds', program: 'Program' };
export const aboutName = (about: string): string => abouts[about] ?? about;

export function left(days: number | null): string {
  if (days === null) return 'no end';
  if (days < 0) return `ended ${count(-days, 'day')} ago`;
  return days === 0 ? 'last day today' : `${count(days, 'day')} left`;
}

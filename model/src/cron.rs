//! When something recurs: the five fields of cron, in UTC. Pure: the present moment is handed in.

use crate::Timestamp;
use crate::time::civil;
use std::fmt;
use std::str::FromStr;

/// The longest text that is read, in bytes.
const MAX_BYTES: usize = 256;
/// Days looked at for the next time: a 29th of February on a certain weekday is 40 years away at
/// most.
const DAYS: i64 = 41 * 366;
/// Minutes of a day.
const DAY: i64 = 24 * 60;
const MICROS_OF_MINUTE: i64 = 60_000_000;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What one field counts.
struct Field {
    /// Its name, as errors tell it.
    name: &'static str,
    /// Its least and its largest number.
    first: u8,
    last: u8,
    /// The largest number that `*` stands for: 7 is a second name of Sunday.
    last_of_all: u8,
    /// Names of numbers, from `first` on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field::new("minute", 0, 59, &[]),
    Field::new("hour", 0, 23, &[]),
    Field::new("day of month", 1, 31, &[]),
    Field::new("month", 1, 12, &MONTHS),
    Field {
        last_of_all: 6,
        ..Field::new("day of week", 0, 7, &WEEKDAYS)
    },
];

/// A set of moments: `30 3 * * mon-fri`. Five fields: minute, hour, day of month, month, day of week.
/// Each is `*` or a list of numbers, names and ranges, with a step after a slash. Where both days are
/// told apart from `*`, one of them is enough.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cron {
    text: Box<str>,
    /// A bit for each number of each field.
    sets: [u64; 5],
    /// Whether both days must fit: one of them begins with `*`.
    both_days: bool,
}

/// Text that is no such set: a sentence that names the field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadCron(pub String);

impl fmt::Display for BadCron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadCron {}

impl Field {
    const fn new(name: &'static str, first: u8, last: u8, names: &'static [&'static str]) -> Self {
        Self {
            name,
            first,
            last,
            last_of_all: last,
            names,
        }
    }

    fn bad(&self, what: impl fmt::Display) -> BadCron {
        BadCron(format!("{}: {what}", self.name))
    }

    /// The numbers that a field's text means, as bits.
    fn read(&self, text: &str) -> Result<u64, BadCron> {
        let mut set = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (part, None),
            };
            let (first, last) = self.range(range, step.is_some())?;
            let numbers = (first..=last).step_by(step.unwrap_or(1));
            set |= numbers.fold(0, |set, number| set | 1 << number);
        }
        Ok(set)
    }

    fn range(&self, text: &str, has_step: bool) -> Result<(u8, u8), BadCron> {
        if text == "*" {
            return Ok((self.first, self.last_of_all));
        }
        let Some((from, to)) = text.split_once('-') else {
            let number = self.number(text)?;
            // A step without an end goes on to the last.
            return Ok((
                number,
                if has_step {
                    self.last_of_all.max(number)
                } else {
                    number
                },
            ));
        };
        let (first, mut last) = (self.number(from)?, self.number(to)?);
        // A week may end with its Sunday.
        if first > 0 && self.last > self.last_of_all && to.eq_ignore_ascii_case(WEEKDAYS[0]) {
            last = self.last;
        }
        if first > last {
            let (begin, end) = (self.first, self.last_of_all);
            return Err(self.bad(format!(
                "{text:?} runs backwards; write {from}-{end},{begin}-{to}"
            )));
        }
        Ok((first, last))
    }

    fn number(&self, text: &str) -> Result<u8, BadCron> {
        let mut names = self.names.iter();
        if let Some(at) = names.position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.first + u8::try_from(at).unwrap_or_default());
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (first, last) = (self.first, self.last);
        if !digits {
            let names = match (self.names.first(), self.names.last()) {
                (Some(one), Some(other)) => format!(", or a name from {one} to {other}"),
                _ => String::new(),
            };
            return Err(self.bad(format!(
                "{text:?} is no number from {first} to {last}{names}"
            )));
        }
        let number = text
            .parse()
            .ok()
            .filter(|number| (first..=last).contains(number));
        number.ok_or_else(|| self.bad(format!("{text} is not from {first} to {last}")))
    }

    fn step(&self, text: &str) -> Result<usize, BadCron> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let step = text.parse().ok().filter(|_| digits);
        let step = step.filter(|step| (1..=usize::from(self.last)).contains(step));
        let last = self.last;
        step.ok_or_else(|| self.bad(format!("{text:?} is no step from 1 to {last}")))
    }
}

impl FromStr for Cron {
    type Err = BadCron;

    fn from_str(text: &str) -> Result<Self, BadCron> {
        if text.len() > MAX_BYTES {
            return Err(BadCron(format!("a schedule has at most {MAX_BYTES} bytes")));
        }
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let Ok(fields) = <[&str; 5]>::try_from(words.as_slice()) else {
            let names = FIELDS.each_ref().map(|field| field.name).join(", ");
            return Err(BadCron(format!(
                "a schedule has five fields ({names}), e.g. \"0 3 * * *\"; here are {}",
                words.len()
            )));
        };
        let mut sets = [0; 5];
        for ((set, field), text) in sets.iter_mut().zip(&FIELDS).zip(fields) {
            *set = field.read(text)?;
        }
        // 7 is Sunday, which is 0.
        sets[4] = (sets[4] | sets[4] >> 7) & 0x7f;
        let cron = Self {
            text: fields.join(" ").into(),
            sets,
            both_days: fields[2].starts_with('*') || fields[4].starts_with('*'),
        };
        match cron.next_after(Timestamp(0)) {
            Some(_) => Ok(cron),
            None => Err(FIELDS[2].bad(format!(
                "{} is no day of the months {}: it would never begin",
                fields[2], fields[3]
            ))),
        }
    }
}

impl Cron {
    /// Its text, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn has(&self, field: usize, number: i64) -> bool {
        self.sets[field] >> number & 1 == 1
    }

    /// Whether a day since 1970-01-01 is one of its days.
    fn has_day(&self, day: i64) -> bool {
        let (_, month, of_month) = civil(day);
        if !self.has(3, month) {
            return false;
        }
        // 1970-01-01 was a Thursday.
        let (of_month, of_week) = (self.has(2, of_month), self.has(4, (day + 4).rem_euclid(7)));
        if self.both_days {
            of_month && of_week
        } else {
            of_month || of_week
        }
    }

    /// Its first minute of a day, from this one on.
    fn minute_of_day(&self, from: i64) -> Option<i64> {
        (from..DAY).find(|minute| self.has(1, minute / 60) && self.has(0, minute % 60))
    }

    /// The first of its moments after `moment`; `None`: there is none that can be told.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let next = moment.0.div_euclid(MICROS_OF_MINUTE).checked_add(1)?;
        let (today, mut from) = (next.div_euclid(DAY), next.rem_euclid(DAY));
        for day in today..today.checked_add(DAYS)? {
            let minute = Some(day).filter(|day| self.has_day(*day));
            if let Some(minute) = minute.and_then(|_| self.minute_of_day(from)) {
                let minutes = day.checked_mul(DAY)?.checked_add(minute)?;
                return minutes.checked_mul(MICROS_OF_MINUTE).map(Timestamp);
            }
            from = 0;
        }
        None
    }

    /// The first moments after `moment`, at most `count`.
    pub fn after(&self, moment: Timestamp, count: usize) -> Vec<Timestamp> {
        let next = |moment: &Timestamp| self.next_after(*moment);
        std::iter::successors(self.next_after(moment), next)
            .take(count)
            .collect()
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;

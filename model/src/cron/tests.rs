use super::*;
use larder_tests::random::Random;

fn cron(text: &str) -> Cron {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn after(text: &str, moment: &str) -> Vec<String> {
    let moment = moment.parse().expect("moment");
    let next = cron(text).after(moment, 3);
    next.iter().map(ToString::to_string).collect()
}

#[test]
fn next_times() {
    for (text, moment, next) in [
        (
            "0 3 * * *",
            "2026-11-28T03:00:00Z",
            [
                "2026-11-29T03:00:00Z",
                "2026-11-30T03:00:00Z",
                "2026-12-01T03:00:00Z",
            ],
        ),
        (
            "*/20 * * * *",
            "2026-12-31T23:19:59.999999Z",
            [
                "2026-12-31T23:20:00Z",
                "2026-12-31T23:40:00Z",
                "2027-01-01T00:00:00Z",
            ],
        ),
        (
            "5/25 22-23 * * *",
            "2026-11-28T23:31:00Z",
            [
                "2026-11-28T23:55:00Z",
                "2026-11-29T22:05:00Z",
                "2026-11-29T22:30:00Z",
            ],
        ),
        // One of both days is enough where neither begins with a star.
        (
            "0 0 1,15 * MON",
            "2026-11-28T00:00:00Z",
            [
                "2026-11-30T00:00:00Z",
                "2026-12-01T00:00:00Z",
                "2026-12-07T00:00:00Z",
            ],
        ),
        // Both are needed where one does.
        (
            "0 0 */2 * mon",
            "2026-11-28T00:00:00Z",
            [
                "2026-12-07T00:00:00Z",
                "2026-12-21T00:00:00Z",
                "2027-01-11T00:00:00Z",
            ],
        ),
        (
            "0 12 29 2 *",
            "2026-11-28T00:00:00Z",
            [
                "2028-02-29T12:00:00Z",
                "2032-02-29T12:00:00Z",
                "2036-02-29T12:00:00Z",
            ],
        ),
        (
            "0 0 * jan-Feb 7",
            "2026-11-28T00:00:00Z",
            [
                "2027-01-03T00:00:00Z",
                "2027-01-10T00:00:00Z",
                "2027-01-17T00:00:00Z",
            ],
        ),
    ] {
        assert_eq!(after(text, moment), next, "{text}");
    }
    // Both are needed, and 2100 is no leap year.
    let next = after("0 0 29 2 */3", "2096-03-01T00:00:00Z");
    assert_eq!(next[0], "2108-02-29T00:00:00Z");
}

#[test]
fn one_set_has_many_spellings() {
    for (one, other) in [
        ("0 0 * * 0", "0 0 * * 7"),
        ("0 0 * * 0", "0 0 * * Sun"),
        ("0 0 * * fri-sun", "0 0 * * 0,5,6"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0-59/15 * * * *", "*/15 * * * *"),
        ("0,15,30,45 * * * *", "*/15 * * * *"),
        ("0 0 1 JAN,mar-MAY *", "0 0 1 1,3,4,5 *"),
        ("50/5 * * * *", "50,55 * * * *"),
    ] {
        let moment = Timestamp(1_795_000_000_000_000);
        let [one, other] = [one, other].map(|text| cron(text).after(moment, 100));
        assert_eq!(one, other);
    }
    let spaced = cron("  0\t3   * *  * ");
    assert_eq!(
        (spaced.as_str(), spaced.to_string()),
        ("0 3 * * *", "0 3 * * *".to_owned())
    );
}

#[test]
fn what_is_wrong_is_said_of_its_field() {
    for (text, told) in [
        ("", "here are 0"),
        ("0 3 * *", "here are 4"),
        ("0 0 3 * * *", "here are 6"),
        ("@daily", "here are 1"),
        ("60 * * * *", "minute: 60 is not from 0 to 59"),
        ("-5 * * * *", "minute: \"\" is no number from 0 to 59"),
        ("0 24 * * *", "hour: 24 is not from 0 to 23"),
        ("0 0 0 * *", "day of month: 0 is not from 1 to 31"),
        ("0 0 L * *", "day of month: \"L\" is no number from 1 to 31"),
        ("0 0 * 13 *", "month: 13 is not from 1 to 12"),
        (
            "0 0 * foo *",
            "month: \"foo\" is no number from 1 to 12, or a name from jan to dec",
        ),
        ("0 0 * * 8", "day of week: 8 is not from 0 to 7"),
        (
            "0 0 * * mond",
            "day of week: \"mond\" is no number from 0 to 7, or a name from sun to sat",
        ),
        ("*/0 * * * *", "minute: \"0\" is no step from 1 to 59"),
        ("*/60 * * * *", "minute: \"60\" is no step from 1 to 59"),
        ("*/+5 * * * *", "minute: \"+5\" is no step from 1 to 59"),
        ("0/ * * * *", "minute: \"\" is no step from 1 to 59"),
        ("1,,2 * * * *", "minute: \"\" is no number from 0 to 59"),
        (
            "50-10 * * * *",
            "minute: \"50-10\" runs backwards; write 50-59,0-10",
        ),
        (
            "0 0 * * fri-mon",
            "day of week: \"fri-mon\" runs backwards; write fri-6,0-mon",
        ),
        (
            "0 0 30,31 2 *",
            "day of month: 30,31 is no day of the months 2: it would never begin",
        ),
        (
            "0 0 31 4,jun *",
            "day of month: 31 is no day of the months 4,jun: it would never begin",
        ),
        (
            "99999999999999999999 * * * *",
            "minute: 99999999999999999999 is not from 0 to 59",
        ),
        ("0 ٣ * * *", "hour: \"٣\" is no number from 0 to 23"),
    ] {
        let BadCron(sentence) = text.parse::<Cron>().expect_err(text);
        assert!(sentence.contains(told), "{text}: {sentence}");
    }
    let long = format!("{} * * * *", ["1"; 200].join(","));
    let BadCron(sentence) = long.parse::<Cron>().expect_err("long");
    assert_eq!(sentence, "a schedule has at most 256 bytes");
}

#[test]
fn no_moment_is_too_late() {
    let every = cron("* * * * *");
    for moment in [i64::MIN, -1, 0, i64::MAX - 60_000_000, i64::MAX] {
        let next = every.next_after(Timestamp(moment));
        assert!(
            next.is_none_or(|next| next.0 > moment),
            "{moment}: {next:?}"
        );
    }
    assert_eq!(every.next_after(Timestamp(-1)), Some(Timestamp(0)));
    assert_eq!(every.next_after(Timestamp(i64::MAX)), None);
}

/// A field that was made up: its text, and the numbers that it means.
struct MadeUp {
    text: String,
    numbers: Vec<u8>,
}

/// Makes up a list for numbers from `first` to `last`.
fn make_up(random: &mut Random, first: u8, last: u8, names: &[&str]) -> MadeUp {
    if random.below(3) == 0 {
        let numbers = (first..=last).collect();
        return MadeUp {
            text: "*".to_owned(),
            numbers,
        };
    }
    let (mut parts, mut numbers) = (Vec::new(), Vec::new());
    for _ in 0..=random.below(3) {
        let pick = |random: &mut Random, from: u8| {
            from + u8::try_from(random.below(u64::from(last - from) + 1)).expect("small")
        };
        let spell = |random: &mut Random, number: u8| {
            let name = names
                .get(usize::from(number - first))
                .filter(|_| random.below(2) == 0);
            name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
        };
        let from = pick(random, first);
        let to = pick(random, from);
        let step = pick(random, 1).max(1);
        let (text, end, step) = match random.below(4) {
            0 => (spell(random, from), from, 1),
            1 => (
                format!("{}-{}", spell(random, from), spell(random, to)),
                to,
                1,
            ),
            2 => {
                let text = format!("{}-{}/{step}", spell(random, from), spell(random, to));
                (text, to, step)
            }
            _ => (format!("{}/{step}", spell(random, from)), last, step),
        };
        parts.push(text);
        numbers.extend((from..=end).filter(|number| (number - from) % step == 0));
    }
    MadeUp {
        text: parts.join(","),
        numbers,
    }
}

/// A calendar that goes on minute by minute, and knows nothing of days since 1970.
struct Calendar {
    year: u32,
    /// Month, day of the month, day of the week, hour, minute.
    now: [u8; 5],
}

impl Calendar {
    fn tick(&mut self) {
        let leap = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let [month, day, weekday, hour, minute] = &mut self.now;
        let length = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        *minute = (*minute + 1) % 60;
        if *minute != 0 {
            return;
        }
        *hour = (*hour + 1) % 24;
        if *hour != 0 {
            return;
        }
        *weekday = (*weekday + 1) % 7;
        *day = *day % length + 1;
        if *day != 1 {
            return;
        }
        *month = *month % 12 + 1;
        self.year += u32::from(*month == 1);
    }
}

/// Whether a calendar stands at one of the moments, each field looked up in its list.
fn fits(fields: &[MadeUp; 5], calendar: &Calendar) -> bool {
    let [month, day, weekday, hour, minute] = calendar.now;
    let has = |field: usize, number: u8| fields[field].numbers.contains(&number);
    let days = [has(2, day), has(4, weekday)];
    let restricted = [2, 4].map(|field: usize| fields[field].text != "*");
    let day_fits = match restricted {
        [true, true] => days[0] || days[1],
        _ => days[0] && days[1],
    };
    has(0, minute) && has(1, hour) && has(3, month) && day_fits
}

#[test]
fn next_times_are_those_of_a_calendar() {
    const MINUTE: i64 = 60_000_000;
    let mut random = Random::seeded();
    // 2027-01-01T00:00:00Z, a Friday; three years hold a leap day.
    let start: Timestamp = "2027-01-01T00:00:00Z".parse().expect("start");
    for _ in 0..40 {
        let fields = [
            make_up(&mut random, 0, 59, &[]),
            make_up(&mut random, 0, 23, &[]),
            make_up(&mut random, 1, 31, &[]),
            make_up(&mut random, 1, 12, &MONTHS),
            make_up(&mut random, 0, 6, &WEEKDAYS),
        ];
        let text = fields.each_ref().map(|field| field.text.as_str()).join(" ");
        let Ok(cron) = text.parse::<Cron>() else {
            // Only what never begins is refused: no month has such a day.
            assert!(
                fields[4].text == "*" && !fields[2].numbers.contains(&1),
                "{text}"
            );
            continue;
        };
        let mut calendar = Calendar {
            year: 2027,
            now: [1, 1, 5, 0, 0],
        };
        let mut expected = cron.next_after(start);
        for minute in 1..3 * 366 * 24 * 60 {
            calendar.tick();
            let now = Timestamp(start.0 + minute * MINUTE);
            let is_next = expected == Some(now);
            assert_eq!(fits(&fields, &calendar), is_next, "{text} at {now}");
            if is_next {
                expected = cron.next_after(now);
            }
        }
    }
}

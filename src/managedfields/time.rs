//! When entries were written.

use std::fmt;
use std::str::FromStr;

#[cfg(feature = "jiff")]
use jiff::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;
/// Before 1970-01-01: the first second of the year 1, which the reference takes for no time at all.
const ZERO: i64 = -62_135_596_800;

/// The time of an entry, such as `2026-11-26T14:00:00Z`.
///
/// Ordered by what comes first. Read as the API server reads it, which is stricter than RFC 3339 in
/// some ways and more lenient in others, and printed as it prints it: UTC, to the second. With the
/// feature `jiff` it is made of a `jiff::Timestamp` and into one; a few hours at the ends of the years
/// 0 and 9999 can be read and are none.
///
/// ```
/// use managed_fields::managedfields::Time;
/// let time: Time = "2026-11-26T15:30:00.5+01:00".parse()?;
/// assert_eq!(time.to_string(), "2026-11-26T14:30:00Z");
/// # Ok::<(), managed_fields::managedfields::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time {
    /// Since 1970-01-01T00:00:00Z.
    seconds: i64,
    nanos: u32,
}

/// A text that is no time of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time: expected the likes of 2006-01-02T15:04:05Z")]
pub struct TimeError(String);

impl Time {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Time = Time { seconds: 0, nanos: 0 };

    /// So many seconds after 1970-01-01T00:00:00Z.
    pub fn from_second(seconds: i64) -> Time {
        Time { seconds, nanos: 0 }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn as_second(self) -> i64 {
        self.seconds
    }

    /// The same point in time; none outside of what a [`Timestamp`] can be.
    ///
    /// ```
    /// use managed_fields::managedfields::Time;
    /// let time: Time = "2026-11-26T15:30:00.5+01:00".parse()?;
    /// assert_eq!(time.to_timestamp().map(Time::from), Some(time));
    /// # Ok::<(), managed_fields::managedfields::TimeError>(())
    /// ```
    #[cfg(feature = "jiff")]
    pub fn to_timestamp(self) -> Option<Timestamp> {
        let whole = Timestamp::from_second(self.seconds).ok()?;
        whole.checked_add(jiff::SignedDuration::from_nanos(self.nanos.into())).ok()
    }

    /// Whether the reference takes this for no time at all.
    pub(crate) fn is_zero(self) -> bool {
        self.seconds == ZERO && self.nanos == 0
    }
}

impl Time {
    /// Whether this time, read from the text, is written like that: the forms of the same length
    /// have an hour of two digits, no fraction and no offset.
    pub(super) fn is_canonical(self, text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.len() == 20 && bytes.get(13) == Some(&b':') && text.ends_with('Z') && !self.is_zero()
    }
}

#[cfg(feature = "jiff")]
impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Time {
        const NANOS_PER_SECOND: u32 = 1_000_000_000;
        let (seconds, nanos) = (timestamp.as_second(), timestamp.subsec_nanosecond());
        match u32::try_from(nanos) {
            Ok(nanos) => Time { seconds, nanos },
            // Before 1970 the parts of a timestamp are both negative.
            Err(_) => Time { seconds: seconds - 1, nanos: NANOS_PER_SECOND - nanos.unsigned_abs() },
        }
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Time, TimeError> {
        Reader(text.as_bytes()).time().ok_or_else(|| TimeError(text.to_owned()))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.seconds.div_euclid(SECONDS_PER_DAY));
        let second = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let sign = if year < 0 { "-" } else { "" };
        write!(
            f,
            "{sign}{:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            year.abs(),
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is left of a text.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn time(mut self) -> Option<Time> {
        let year = self.digits(4)?;
        self.byte(b'-')?;
        let month = self.digits(2)?;
        self.byte(b'-')?;
        let day = self.digits(2)?;
        self.byte(b'T')?;
        // Of the hour alone one digit is enough.
        let hour = self.digits(2).or_else(|| self.digits(1))?;
        self.byte(b':')?;
        let minute = self.digits(2)?;
        self.byte(b':')?;
        let second = self.digits(2)?;
        let nanos = self.fraction();
        let offset = self.offset()?;
        let is_there = (1..=12).contains(&month)
            && day >= 1
            && day <= days_of(year, month)
            && hour < 24
            && minute < 60
            && second < 60
            && self.0.is_empty();
        let second_of_day = hour * 3600 + minute * 60 + second;
        let seconds = days_before(year, month, day) * SECONDS_PER_DAY + second_of_day - offset;
        is_there.then_some(Time { seconds, nanos })
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[wanted])?;
        Some(())
    }

    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })?;
        self.0 = rest;
        Some(number)
    }

    /// Nanoseconds behind a point or comma, cut; none where no digit follows.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', rest @ ..] = self.0 else { return 0 };
        let count = rest.iter().take_while(|digit| digit.is_ascii_digit()).count();
        let Some((digits, rest)) = rest.split_at_checked(count) else { return 0 };
        if digits.is_empty() {
            return 0;
        }
        self.0 = rest;
        let padded = digits.iter().copied().chain(std::iter::repeat(b'0'));
        padded.take(9).fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'))
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.byte(b'Z').is_some() {
            return Some(0);
        }
        let sign = match self.0.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = self.0.get(1..)?;
        let hours = self.digits(2)?;
        self.byte(b':')?;
        let minutes = self.digits(2)?;
        // Both ends are allowed.
        (hours <= 24 && minutes <= 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Counts years from March, so that the leap day is the last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 153 days in every five months.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + leap_days + day_of_year - 719_468
}

/// Year, month and day so many days after 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    const PER_400_YEARS: i64 = 146_097;
    let days = days + 719_468;
    let cycle = days.div_euclid(PER_400_YEARS);
    let day = days.rem_euclid(PER_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / (PER_400_YEARS - 1)) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year + cycle * 400;
    if month < 10 { (year, month + 3, day_of_month) } else { (year + 1, month - 9, day_of_month) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::Time;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// The calendar against a library's: every day of one cycle of leap years, and every month.
    #[test]
    fn days_are_those_of_the_calendar() -> Outcome {
        let epoch = Date::new(1970, 1, 1)?.at(0, 0, 0, 0);
        let check = |date: Date| -> Outcome {
            let text = format!("{date}T00:00:00Z");
            let time: Time = text.parse()?;
            let seconds = date.at(0, 0, 0, 0).duration_since(epoch).as_secs();
            assert_eq!((time.as_second(), time.to_string()), (seconds, text));
            Ok(())
        };
        let mut date = Date::new(1799, 12, 31)?;
        while date.year() <= 2200 {
            check(date)?;
            date = date.tomorrow()?;
        }
        for month in 0..12 * 10_000_i32 {
            let first = Date::new((month / 12) as i16, (month % 12 + 1) as i8, 1)?;
            check(first)?;
            check(first.last_of_month())?;
        }
        Ok(())
    }

    #[test]
    fn the_first_and_last_hours_are_those_of_the_zone_farthest_away() -> Outcome {
        let printed = |text: &str| text.parse::<Time>().map(|time| time.to_string());
        assert_eq!(printed("9999-12-31T23:59:59-24:60")?, "10000-01-02T00:59:59Z");
        assert_eq!(printed("0000-01-01T00:00:00+01:00")?, "-0001-12-31T23:00:00Z");
        Ok(())
    }

    #[test]
    #[cfg(feature = "jiff")]
    fn the_last_hours_are_no_timestamps() -> Outcome {
        assert!("9999-12-31T23:59:59Z".parse::<Time>()?.to_timestamp().is_none());
        Ok(())
    }

    #[test]
    #[cfg(feature = "jiff")]
    fn timestamps_before_1970_round_down() -> Outcome {
        let time: Time = "1969-12-31T23:59:58.25Z".parse()?;
        assert_eq!((time.as_second(), time.nanos), (-2, 250_000_000));
        assert_eq!(time.to_timestamp().map(Time::from), Some(time));
        Ok(())
    }
}

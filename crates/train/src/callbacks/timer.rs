//! Stops when time is up.
use super::{Action, Callback, RunInfo, StepReport, memory};
use crate::recipe::Unit;
use barograph_vocab::{EpochRecord, RunEnd};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant, SystemTime};

/// Ends the training when it took long enough, or when the clock says so, and tells how long epochs took. It changes nothing else: until it
/// stops, a training comes out the same to the bit.
///
/// Time that a training took before it was interrupted and resumed counts.
#[derive(Clone, Debug)]
pub struct Timer {
    stop_after: Option<Duration>,
    stop_at: Option<Moment>,
    unit: Unit,
    /// When it stops by the clock.
    until: Option<SystemTime>,
    started: Instant,
    epoch_began: Instant,
    trouble: Option<String>,
    memory: Memory,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Seconds that it took before it was resumed.
    before: f64,
    /// Seconds of each epoch.
    epochs: Vec<f64>,
}

/// A moment that a recipe names.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Once(SystemTime),
    /// The next time that clocks show this, where the machine stands.
    Next(Time),
}

impl Default for Timer {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            stop_after: None,
            stop_at: None,
            unit: Unit::Step,
            until: None,
            started: now,
            epoch_began: now,
            trouble: None,
            memory: Memory::default(),
        }
    }
}

impl Timer {
    /// Stops at the end of the first step (or epoch, see [`Timer::unit`]) after which the training took so long.
    #[must_use]
    pub const fn stop_after(mut self, duration: Duration) -> Self {
        self.stop_after = Some(duration);
        self
    }

    /// Stops at the end of the first step (or epoch) after this moment.
    #[must_use]
    pub const fn stop_at(mut self, moment: SystemTime) -> Self {
        self.stop_at = Some(Moment::Once(moment));
        self
    }

    /// Whether it looks at the clock after each step, or at the end of epochs only. `Step` unless told otherwise.
    #[must_use]
    pub const fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// As a recipe says it. A text that is no duration or moment is trouble.
    pub(super) fn of_texts(stop_after: Option<&str>, stop_at: Option<&str>) -> Self {
        let mut timer = Self::default();
        let mut keep = |problem: String| timer.trouble = Some(format!("{problem}; the run goes on without the timer"));
        let after = stop_after.map(duration).transpose().map_err(&mut keep);
        let at = stop_at.map(moment).transpose().map_err(&mut keep);
        timer.stop_after = after.ok().flatten();
        timer.stop_at = at.ok().flatten();
        timer
    }

    /// Seconds of each epoch so far, validation included.
    #[must_use]
    pub fn epochs(&self) -> &[f64] {
        &self.memory.epochs
    }

    fn elapsed(&self) -> f64 {
        self.memory.before + self.started.elapsed().as_secs_f64()
    }

    fn look(&self, when: &str) -> Action {
        let elapsed = self.elapsed();
        let took_long = self.stop_after.is_some_and(|limit| elapsed >= limit.as_secs_f64());
        let reason = if took_long {
            format!("the timer stopped the run {when}, after {}", words(elapsed))
        } else if self.until.is_some_and(|until| SystemTime::now() >= until) {
            format!("the timer stopped the run {when}: it was to end at a time that has come")
        } else {
            return Action::Continue;
        };
        Action::Stop { reason, restore_best: false, failed: false }
    }
}

impl Callback for Timer {
    fn train_begin(&mut self, _: &RunInfo<'_>) -> Action {
        self.started = Instant::now();
        self.epoch_began = self.started;
        self.until = self.stop_at.and_then(|moment| match moment {
            Moment::Once(moment) => Some(moment),
            Moment::Next(time) => next(time, &ZonedDateTime::now()).and_then(|time| time.try_into().ok()),
        });
        Action::Continue
    }

    fn epoch_begin(&mut self, _: u64) -> Action {
        self.epoch_began = Instant::now();
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        match self.unit {
            Unit::Step => self.look(&format!("at step {}", step.step)),
            Unit::Epoch => Action::Continue,
        }
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        self.memory.epochs.push(self.epoch_began.elapsed().as_secs_f64());
        self.look(&format!("after epoch {}", epoch.epoch + 1))
    }

    fn train_end(&mut self, _: RunEnd) -> Action {
        summary(&self.memory.epochs).map_or(Action::Continue, Action::Note)
    }

    fn state(&self) -> String {
        memory::write(&Memory { before: self.elapsed(), epochs: self.memory.epochs.clone() })
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.memory = memory::read(state)?;
        Ok(())
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }
}

/// `30 epochs took 36s, 1s 200ms each; the longest was epoch 1 with 2s`.
fn summary(epochs: &[f64]) -> Option<String> {
    let (longest, most) = (1..).zip(epochs).max_by(|a, b| a.1.total_cmp(b.1))?;
    let (count, sum) = (epochs.len(), epochs.iter().sum::<f64>());
    Some(match count {
        1 => format!("the epoch took {}", words(sum)),
        _ => format!(
            "{count} epochs took {}, {} each; the longest was epoch {longest} with {}",
            words(sum),
            words(sum / count as f64),
            words(*most)
        ),
    })
}

/// Seconds in words: `1h 2m 3s`. Milliseconds are only shown below a minute.
fn words(seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0).round() as i64;
    let rounded = if milliseconds < 60_000 { milliseconds } else { milliseconds / 1000 * 1000 };
    format!("{:#}", SignedDuration::from_millis(rounded))
}

/// A duration such as `90m`, `2h 30m` or `PT45M`.
///
/// # Errors
/// What is wrong with the text, and what would be right.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or_else(|| format!("{text:?} is no duration; write it as \"90m\", \"2h 30m\" or \"45s\""))
}

/// A moment such as `2026-03-01 06:30`, `2026-03-01T06:30:00Z`, or the next `06:30`. Without an offset, clocks are those of the machine.
fn moment(text: &str) -> Result<Moment, String> {
    let once = || {
        let of_here = |time: DateTime| time.to_zoned_datetime(TimeZone::system()).ok().map(|time| time.timestamp());
        let parsed = text.parse::<Timestamp>().ok().or_else(|| text.parse::<DateTime>().ok().and_then(of_here));
        parsed.and_then(|time| SystemTime::try_from(time).ok())
    };
    // A date alone reads as a time too, that of midnight.
    let daily = || if text.contains('-') { None } else { text.parse::<Time>().ok() };
    let found = daily().map(Moment::Next).or_else(|| once().map(Moment::Once));
    found.ok_or_else(|| {
        format!("{text:?} is no time; write it as \"06:30\", \"2026-03-01 06:30\" or \"2026-03-01T06:30:00Z\"")
    })
}

/// Whether a text is a moment.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub(crate) fn check_moment(text: &str) -> Result<(), String> {
    moment(text).map(|_| ())
}

/// The next time after `now` that clocks show `time`.
fn next(time: Time, now: &ZonedDateTime) -> Option<Timestamp> {
    let on = |day: &ZonedDateTime| day.with().time(time).build().ok();
    let today = on(now).filter(|moment| moment > now);
    let tomorrow = || now.tomorrow().ok().and_then(|day| on(&day));
    today.or_else(tomorrow).map(|moment| moment.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{begin, epoch};

    const DAY: Duration = Duration::from_hours(24);

    fn stops(mut timer: Timer) -> [bool; 2] {
        begin(&mut timer, 3);
        let is_stop = |action| matches!(action, Action::Stop { failed: false, restore_best: false, .. });
        [is_stop(timer.step_end(&StepReport::default())), is_stop(timer.epoch_end(&epoch(0, f64::NAN)))]
    }

    #[test]
    fn it_stops_when_time_is_up_and_not_before() {
        assert_eq!(stops(Timer::default()), [false, false]);
        assert_eq!(stops(Timer::default().stop_after(DAY)), [false, false]);
        assert_eq!(stops(Timer::default().stop_after(Duration::ZERO)), [true, true]);
        assert_eq!(stops(Timer::default().stop_after(Duration::ZERO).unit(Unit::Epoch)), [false, true]);
        let now = SystemTime::now();
        assert_eq!(stops(Timer::default().stop_at(now + DAY)), [false, false]);
        assert_eq!(stops(Timer::default().stop_at(now - DAY)), [true, true]);
    }

    #[test]
    fn time_before_an_interruption_counts() {
        let mut timer = Timer::default().stop_after(2 * DAY);
        timer.restore("before = 200000.0\nepochs = [100000.0, 100000.0]").unwrap();
        assert_eq!(stops(timer.clone()), [true, true]);
        assert_eq!(timer.epochs().len(), 2);
        let mut again = Timer::default().stop_after(2 * DAY);
        again.restore(&timer.state()).unwrap();
        assert_eq!(stops(again), [true, true]);
    }

    #[test]
    fn durations_and_moments_are_read_as_people_write_them() {
        assert_eq!(duration("2h 30m").unwrap(), Duration::from_mins(150));
        assert_eq!(duration("45s").unwrap(), Duration::from_secs(45));
        assert!(duration("soon").unwrap_err().contains("2h 30m"));
        assert!(duration("-5m").is_err());
        let time = SystemTime::UNIX_EPOCH + Duration::from_mins(29_539_110);
        assert_eq!(moment("2026-03-01T06:30:00Z"), Ok(Moment::Once(time)));
        assert_eq!(moment("2026-03-01T07:30:00+01:00"), Ok(Moment::Once(time)));
        assert!(matches!(moment("2026-03-01 06:30"), Ok(Moment::Once(_))));
        assert_eq!(moment("06:30"), Ok(Moment::Next(Time::constant(6, 30, 0, 0))));
        assert!(moment("noon").unwrap_err().contains("06:30"));
    }

    #[test]
    fn the_next_time_of_a_clock_is_today_or_tomorrow() {
        let now = "2026-03-01T12:00:00".parse::<DateTime>().unwrap().to_zoned_datetime(TimeZone::UTC).unwrap();
        let next = |hour| next(Time::constant(hour, 30, 0, 0), &now).unwrap().to_string();
        assert_eq!(next(13), "2026-03-01T13:30:00Z");
        assert_eq!(next(6), "2026-03-02T06:30:00Z");
    }

    #[test]
    fn it_tells_how_long_epochs_took() {
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[1.25]).as_deref(), Some("the epoch took 1s 250ms"));
        let told = summary(&[1.0, 3700.4, 2.0]);
        assert_eq!(
            told.as_deref(),
            Some("3 epochs took 1h 1m 43s, 20m 34s each; the longest was epoch 2 with 1h 1m 40s")
        );
    }

    #[test]
    fn a_text_that_is_no_time_is_trouble_and_stops_nothing() {
        let mut timer = Timer::of_texts(Some("soon"), Some("06:30"));
        assert!(timer.trouble().is_some_and(|text| text.contains("soon")));
        assert_eq!(timer.trouble(), None);
    }
}

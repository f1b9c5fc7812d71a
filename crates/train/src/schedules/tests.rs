use super::*;
use crate::recipe::{Recipe, Swing};
use serde::Deserialize;

fn factors(kind: ScheduleKind, warmup_steps: u64, steps: &[u64]) -> Vec<f64> {
    let schedule = Schedule::new(ScheduleSpec { kind, warmup_steps }, 10, 100);
    steps.iter().map(|&step| (schedule.factor(step) * 1e6).round() / 1e6).collect()
}

#[test]
fn step_jumps_at_multiples_of_every() {
    let kind = ScheduleKind::Step { every: 2, unit: Unit::Epoch, factor: 0.5 };
    assert_eq!(factors(kind, 0, &[0, 19, 20, 39, 40]), [1.0, 1.0, 0.5, 0.5, 0.25]);
}

#[test]
fn multistep_jumps_at_its_milestones() {
    let kind = ScheduleKind::Multistep { milestones: vec![1, 4], unit: Unit::Epoch, factor: 0.5 };
    assert_eq!(factors(kind, 0, &[9, 10, 39, 40, 99]), [1.0, 0.5, 0.5, 0.25, 0.25]);
}

#[test]
fn exponential_reaches_its_factor_after_every() {
    let kind = ScheduleKind::Exponential { every: 4, unit: Unit::Step, factor: 0.5 };
    assert_eq!(factors(kind, 0, &[0, 4, 8, 12]), [1.0, 0.5, 0.25, 0.125]);
}

#[test]
fn descents_go_from_one_to_their_floor_and_stay() {
    let kind = ScheduleKind::Cosine { steps: None, floor: 0.1 };
    assert_eq!(factors(kind, 0, &[0, 50, 100, 500]), [1.0, 0.55, 0.1, 0.1]);
    let kind = ScheduleKind::Polynomial { steps: Some(10), power: 2.0, floor: 0.2 };
    assert_eq!(factors(kind, 0, &[0, 5, 10, 500]), [1.0, 0.4, 0.2, 0.2]);
}

#[test]
fn restarts_begin_at_one_and_take_longer_each_time() {
    let kind = ScheduleKind::CosineRestarts { period: 1, unit: Unit::Epoch, multiplier: 2, floor: 0.0 };
    assert_eq!(factors(kind, 0, &[0, 5, 10, 20, 30, 50]), [1.0, 0.5, 1.0, 0.5, 1.0, 0.5]);
}

#[test]
fn cycles_go_up_and_down() {
    let (unit, minimum, maximum) = (Unit::Step, 0.5, 1.5);
    let kind = |swing| ScheduleKind::Cyclical { half_cycle: 2, unit, swing, gamma: 0.5, minimum, maximum };
    let steps = [0, 1, 2, 3, 4, 6];
    assert_eq!(factors(kind(Swing::Triangular), 0, &steps), [0.5, 1.0, 1.5, 1.0, 0.5, 1.5]);
    assert_eq!(factors(kind(Swing::Triangular2), 0, &steps), [0.5, 1.0, 1.5, 1.0, 0.5, 1.0]);
    assert_eq!(factors(kind(Swing::ExpRange), 0, &steps), [0.5, 0.75, 0.75, 0.5625, 0.5, 0.515_625]);
}

#[test]
fn one_cycle_stays_at_its_end_and_has_a_peak_without_a_climb() {
    let kind = |warmup_share| ScheduleKind::OneCycle {
        steps: Some(11),
        warmup_share,
        initial_division: 4.0,
        final_division: 2.0,
        cycle_momentum: true,
        base_momentum: 0.8,
        max_momentum: 0.9,
    };
    let climb = 6.0 / 11.0;
    assert_eq!(factors(kind(climb), 0, &[0, 5, 10, 50]), [0.25, 1.0, 0.125, 0.125]);
    assert!(factors(kind(0.0), 0, &[0])[0] > 0.9);
    let schedule = Schedule::new(ScheduleSpec { kind: kind(climb), warmup_steps: 2 }, 10, 100);
    let momenta = [0, 2, 7, 12].map(|step| schedule.momentum(step).expect("it cycles"));
    assert_eq!(momenta.map(|momentum| (momentum * 1e6).round() / 1e6), [0.9, 0.9, 0.8, 0.9]);
}

#[test]
fn inverse_time_halves_when_decay_times_time_is_one() {
    let kind = ScheduleKind::InverseTime { every: 2, unit: Unit::Step, decay: 0.5 };
    assert_eq!(factors(kind, 0, &[0, 4, 12]), [1.0, 0.5, 0.25]);
}

#[test]
fn piecewise_takes_the_factor_of_the_last_boundary() {
    let kind = ScheduleKind::Piecewise { boundaries: vec![2, 5], unit: Unit::Step, factors: vec![3.0, 0.0] };
    assert_eq!(factors(kind, 0, &[0, 1, 2, 4, 5, 99]), [1.0, 1.0, 3.0, 3.0, 0.0, 0.0]);
}

#[test]
fn warm_up_climbs_to_the_full_rate_and_never_starts_at_zero() {
    assert_eq!(factors(ScheduleKind::Constant, 4, &[0, 1, 3, 4, 9]), [0.25, 0.5, 1.0, 1.0, 1.0]);
}

/// Written by `tests/torch_reference/schedules.py` with PyTorch's own schedulers.
const REFERENCE: &str = include_str!("../../tests/torch_reference/schedules.json");

#[derive(Deserialize)]
struct Reference {
    learning_rate: f64,
    steps_per_epoch: u64,
    total_steps: u64,
    curves: Vec<Curve>,
}

#[derive(Deserialize)]
struct Curve {
    /// The keys of `[schedule]` that ask for it.
    schedule: String,
    rates: Vec<f64>,
    momenta: Option<Vec<f64>>,
}

/// Equal to a millionth; a cosine may end at 1e-17 rather than at 0.
fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-6 * theirs.abs() + 1e-12
}

#[test]
fn the_curves_are_those_of_torch() {
    let reference: Reference = serde_json::from_str(REFERENCE).expect("the file that the script wrote");
    assert!(reference.curves.len() > 20);
    for Curve { schedule: table, rates, momenta } in reference.curves {
        let text = format!("[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n[schedule]\n{table}");
        let recipe = Recipe::parse(&text, "torch.toml").expect("a valid schedule");
        let schedule = Schedule::new(recipe.schedule, reference.steps_per_epoch, reference.total_steps);
        assert_eq!(rates.len() as u64, reference.total_steps);
        for (step, theirs) in (0..).zip(rates) {
            let ours = reference.learning_rate * schedule.factor(step);
            assert!(close(ours, theirs), "{table}\nstep {step}: {ours}, and torch has {theirs}");
        }
        for step in 0..reference.total_steps {
            let (ours, theirs) = (schedule.momentum(step), momenta.as_ref().map(|momenta| momenta[step as usize]));
            let same = ours.is_none() && theirs.is_none() || ours.zip(theirs).is_some_and(|(a, b)| close(a, b));
            assert!(same, "{table}\nstep {step}: momentum {ours:?}, and torch has {theirs:?}");
        }
    }
}

//! What every rule file uses.
pub(crate) use crate::cause::{Case, CauseRule, Weighing};
pub(crate) use crate::rule::{Need, Rule, Scope, rule};
pub(crate) use crate::streams::{Ema, Patience, Streak};
pub(crate) use crate::view::{RunView, StepView};
pub(crate) use crate::watch::{Verdict, Watch};
pub(crate) use barograph_vocab::{
    DataReading, EditValue, Evidence, FactKey, Incident, Phase, RankReading, RanksRecord, Remedy, Role, Scalar,
    Severity, SiteId,
};

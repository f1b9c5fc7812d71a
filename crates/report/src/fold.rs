//! Findings of one rule at several sites, as one entry.
use barograph_vocab::{Finding, Severity};

/// Findings of the same rule and severity, in order of step and graph.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// The earliest one.
    pub(crate) first: &'a Finding,
    /// The others.
    pub(crate) others: Vec<&'a Finding>,
}

impl<'a> Group<'a> {
    /// The distinct places of the group, the first one's ahead, in order.
    pub(crate) fn sites(&self) -> Vec<&'a str> {
        let mut sites = Vec::new();
        for finding in std::iter::once(self.first).chain(self.others.iter().copied()) {
            if let Some(site) = finding.site.as_deref()
                && !sites.contains(&site)
            {
                sites.push(site);
            }
        }
        sites
    }

    /// The first and the last step of the group.
    pub(crate) fn steps(&self) -> (u64, u64) {
        let last = self.others.iter().map(|finding| finding.step).max();
        (self.first.step, last.unwrap_or(self.first.step).max(self.first.step))
    }
}

/// Groups the findings by rule and severity, in the order of each group's first finding.
pub(crate) fn fold(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for finding in findings {
        let same = |group: &&mut Group<'_>| {
            group.first.code == finding.code
                && group.first.name == finding.name
                && group.first.severity == finding.severity
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.others.push(finding),
            None => groups.push(Group { first: finding, others: Vec::new() }),
        }
    }
    groups
}

/// At most `most` groups, the worst if there are more, in the order they had; and how many are left out.
pub(crate) fn worst<'g, 'a>(groups: &'g [Group<'a>], most: usize) -> (Vec<&'g Group<'a>>, usize) {
    let mut ranked: Vec<usize> = (0..groups.len()).collect();
    ranked.sort_by_key(|&index| std::cmp::Reverse(groups[index].first.severity));
    ranked.truncate(most);
    ranked.sort_unstable();
    let beyond = groups.len() - ranked.len();
    (ranked.into_iter().map(|index| &groups[index]).collect(), beyond)
}

/// How many findings have a severity.
pub(crate) fn tally(findings: &[Finding], severity: Severity) -> u64 {
    findings.iter().filter(|finding| finding.severity == severity).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &str, severity: Severity, step: u64, site: &str) -> Finding {
        Finding {
            code: code.to_owned(),
            name: code.to_lowercase(),
            severity,
            step,
            site: Some(site.to_owned()),
            role: None,
            message: String::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn one_rule_at_several_sites_is_one_group() {
        let warning = Severity::Warning;
        let findings = [
            finding("A", warning, 1, "x"),
            finding("B", warning, 2, "x"),
            finding("A", warning, 9, "y"),
            finding("A", Severity::Error, 9, "y"),
            finding("A", warning, 9, "x"),
        ];
        let groups = fold(&findings);
        assert_eq!(groups.len(), 3);
        assert_eq!((groups[0].sites(), groups[0].steps()), (vec!["x", "y"], (1, 9)));
        assert_eq!((tally(&findings, warning), tally(&findings, Severity::Note)), (4, 0));
    }

    #[test]
    fn errors_are_never_crowded_out() {
        let mut findings: Vec<_> =
            (0..50).map(|step| finding(&format!("W{step}"), Severity::Warning, step, "x")).collect();
        findings.push(finding("E", Severity::Error, 60, "x"));
        let groups = fold(&findings);
        let (kept, beyond) = worst(&groups, 3);
        let codes: Vec<_> = kept.iter().map(|group| group.first.code.as_str()).collect();
        assert_eq!((codes, beyond), (vec!["W0", "W1", "E"], 48));
    }
}

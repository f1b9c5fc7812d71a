//! Runs that the tests render.
#![allow(dead_code, reason = "each test binary uses its part")]

use barograph_report::Curves;
use barograph_vocab::{
    Cause, Diagnosis, Edit, EditValue, EpochRecord, Evidence, Exactness, Finding, Incident, NotChecked, OperationInput,
    Phase, Reading, Record, Remedy, Role, RowsOf, Sample, SampleAnswer, Scalar, Severity, Site, SiteId, SiteReading,
    SourceLine, StepRecord, Trial, Verdict,
};

/// A diagnosis with its curves.
pub(crate) struct Case {
    pub(crate) diagnosis: Diagnosis,
    pub(crate) curves: Curves,
    pub(crate) samples: Vec<Sample>,
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn rules(count: usize) -> Vec<String> {
    let names = ["loss-not-finite", "gradient-exploding", "gradient-vanishing", "update-too-large", "dead-units"];
    (0..count)
        .map(|index| names.get(index).map_or_else(|| format!("rule-{index}"), |name| (*name).to_owned()))
        .collect()
}

fn not_checked(rule: &str, reason: &str) -> NotChecked {
    NotChecked { rule: rule.to_owned(), reason: reason.to_owned() }
}

fn finding(
    code: &str,
    name: &str,
    severity: Severity,
    step: u64,
    site: Option<(&str, Role)>,
    message: &str,
) -> Finding {
    Finding {
        code: code.to_owned(),
        name: name.to_owned(),
        severity,
        step,
        site: site.map(|(site, _)| site.to_owned()),
        role: site.map(|(_, role)| role),
        message: message.to_owned(),
        evidence: Vec::new(),
    }
}

/// A cheap and repeatable wobble between -1 and 1.
fn wobble(seed: u64) -> f64 {
    let mixed =
        (seed ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn reading(count: u64, rms: f64, zeros: u64) -> Reading {
    Reading {
        count,
        zeros,
        min: -3.0 * rms,
        max: 3.0 * rms,
        l2: rms * (count as f64).sqrt(),
        m2: rms * rms * count as f64,
        ..Reading::EMPTY
    }
}

/// A row that is a picture, and one that is not, each with these answers.
fn samples(texts: [&str; 2]) -> Vec<Sample> {
    let answer = |(epoch, text): (usize, &str)| SampleAnswer {
        epoch: epoch as u64,
        text: text.to_owned(),
        right: Some(epoch == 1),
        value: Some(if epoch == 0 { f64::NAN } else { 0.75 }),
    };
    let answers: Vec<_> = texts.into_iter().enumerate().map(answer).collect();
    let truth = texts[1].to_owned();
    let picture = Some(b"\x89PNG\r\n\x1a\n and so on".to_vec());
    let inputs = texts[0].to_owned();
    let first = Sample { row: 1234, held_out: true, picture, truth, answers, ..Sample::default() };
    let second = Sample { picture: None, inputs, ..first.clone() };
    vec![first, second]
}

fn announce(curves: &mut Curves, paths: &[&str]) {
    for (order, path) in paths.iter().enumerate() {
        let site = Site { path: (*path).to_owned(), order: order as u32, units: 0, shape: Vec::new() };
        curves.see(&Record::Site(site));
    }
}

fn at(site: usize, role: Role, reading: &Reading) -> SiteReading {
    SiteReading { site: SiteId(site as u32), role, reading: *reading }
}

/// The example of the design: a rate too high, from which the loss breaks at step 48.
pub(crate) fn unhealthy() -> Case {
    let paths = ["fc1", "fc2", "fc3", "head"];
    let mut curves = Curves::default();
    announce(&mut curves, &paths);
    for step in 0..=60_u64 {
        let growth = if step < 36 { 1.0 } else { 1.37_f64.powi((step.min(48) - 36) as i32) };
        let broken = step > 48;
        let loss = match step {
            0..36 => 2.31 * (-(step as f64) / 20.0).exp() + 0.05 * wobble(step),
            36..48 => 0.4 * growth + 0.05,
            _ => f64::NAN,
        };
        let norm = if broken { f64::NAN } else { 1.2 * growth * (1.0 + 0.2 * wobble(step)) };
        let scalars = vec![(Scalar::Loss, loss), (Scalar::LearningRate, 0.5), (Scalar::GradientNorm, norm)];
        let mut readings = Vec::new();
        for site in 0..paths.len() {
            let scale = 0.1 * growth * f64::from(1 << site);
            let mut weight = reading(640, scale, 0);
            let mut gradient = reading(640, scale * 0.05 * (1.0 + 0.3 * wobble(step * 7 + site as u64)), 0);
            let mut activation = reading(640, 4.0 * scale, 40 * (site as u64 + step / 8));
            if broken {
                weight = Reading { count: 640, nan: 640, ..Reading::EMPTY };
                activation = weight;
            }
            if broken || (step == 48 && site >= 2) {
                gradient = Reading { count: 640, nan: 640, ..Reading::EMPTY };
            }
            readings.push(at(site, Role::Weight, &weight));
            readings.push(at(site, Role::Gradient, &gradient));
            readings.push(at(site, Role::Activation, &activation));
        }
        curves.see(&Record::Step(StepRecord { step, scalars, readings, stands_for: 1, ..StepRecord::default() }));
    }
    Case { diagnosis: unhealthy_diagnosis(), curves, samples: samples(["3", "8"]) }
}

fn unhealthy_diagnosis() -> Diagnosis {
    let log_input = Reading { count: 640, zeros: 7, min: 0.0, max: 0.98, mean: 0.1, m2: 12.0, ..Reading::EMPTY };
    let mut broke =
        finding("NUM001", "operation-not-finite", Severity::Error, 48, None, "the loss became NaN at step 48");
    broke.evidence =
        vec![Evidence::plain("loss", f64::NAN), Evidence::against("abs-max of fc3 in 12 steps, growth", 267.5, 10.0)];
    let exploding = |step, site| {
        let message = format!("the gradient norm of {site} grew 41x in 12 steps");
        finding("GRD002", "gradient-exploding", Severity::Error, step, Some((site, Role::Gradient)), &message)
    };
    Diagnosis {
        run: "mnist".to_owned(),
        verdict: Verdict::Unhealthy,
        steps: 61,
        incident: Some(Incident {
            step: 48,
            phase: Phase::Forward,
            operation: "log".to_owned(),
            site: "head".to_owned(),
            source: Some(SourceLine { file: "src/losses.rs".to_owned(), line: 88, text: String::new() }),
            rows: vec![112, 519, 733],
            rows_of: RowsOf::DataSet,
            row_count: 3,
            inputs: vec![OperationInput { name: "p".to_owned(), shape: vec![64, 10], reading: log_input }],
            victims: 3,
            exactness: Exactness::Exact,
        }),
        causes: vec![
            Cause {
                slug: "learning-rate-too-high".to_owned(),
                confidence: 0.943,
                step: Some(36),
                site: Some("fc2".to_owned()),
                operation: None,
                evidence: vec![
                    Evidence::against("update/weight ratio at fc2", 0.31, 0.01),
                    Evidence::against("gradient norm, growth from step 36 to 47", 41.0, 10.0),
                ],
                remedy: Remedy {
                    text: "lower the learning rate from 0.5 to 0.02, or clip the global norm at 1".to_owned(),
                    change: vec![
                        Edit { key: "optimizer.learning_rate".to_owned(), value: EditValue::Number(0.02) },
                        Edit { key: "optimizer.clip_norm".to_owned(), value: EditValue::Number(1.0) },
                    ],
                    verified: Some(Trial {
                        from_step: 36,
                        steps: 200,
                        finite: true,
                        loss_first: 2.3,
                        loss_last: 0.41,
                        loss_without: f64::NAN,
                        works: true,
                    }),
                },
            },
            Cause {
                slug: "log-of-nonpositive".to_owned(),
                confidence: 0.31,
                step: Some(48),
                site: Some("head".to_owned()),
                operation: Some("log".to_owned()),
                evidence: vec![Evidence::plain("zeros in the input of log", 7.0)],
                remedy: Remedy { text: "use log_softmax".to_owned(), change: Vec::new(), verified: None },
            },
        ],
        findings: vec![
            finding(
                "UPD001",
                "update-too-large",
                Severity::Warning,
                36,
                Some(("fc2", Role::Update)),
                "the update of fc2 is 0.31 of its weights",
            ),
            exploding(41, "fc1"),
            exploding(41, "fc2"),
            exploding(43, "fc3"),
            broke,
        ],
        checked: rules(31),
        not_checked: vec![
            not_checked("validation-gap", "needs a validation loss"),
            not_checked("loss-flat", "too early"),
            not_checked("too-few-steps", "too early"),
        ],
        dropped: 0,
        notes: vec!["the log ends without an end record: the run may still be going on".to_owned()],
    }
}

/// A run that learns, with validation and a schedule.
pub(crate) fn healthy() -> Case {
    let paths = ["conv1", "conv2", "fc", "head"];
    let mut curves = Curves::default();
    announce(&mut curves, &paths);
    for step in 0..1_200_u64 {
        let loss = 2.2 * (-(step as f64) / 250.0).exp() + 0.06 + 0.02 * wobble(step);
        let rate = 1e-3 * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / 1_200.0).cos());
        let scalars = vec![(Scalar::Loss, loss), (Scalar::LearningRate, rate), (Scalar::GradientNorm, 0.3 + loss)];
        let readings = (0..paths.len())
            .flat_map(|site| {
                let scale = 0.05 * (site + 1) as f64 * (1.0 + step as f64 / 3_000.0);
                [
                    at(site, Role::Weight, &reading(1_024, scale, 0)),
                    at(site, Role::Gradient, &reading(1_024, 0.01 * scale * (1.5 + wobble(step + site as u64)), 0)),
                    at(site, Role::Activation, &reading(1_024, 2.0 * scale, 300 + 50 * site as u64)),
                ]
            })
            .filter(|_| step < 5 || step % 10 == 0)
            .collect();
        curves.see(&Record::Step(StepRecord { step, scalars, readings, stands_for: 1, ..StepRecord::default() }));
        if (step + 1) % 100 == 0 {
            let scalars = vec![(Scalar::ValidationLoss, loss * 1.15 + 0.05)];
            curves.see(&Record::Epoch(EpochRecord {
                epoch: (step / 100) as u32,
                steps: step + 1,
                scalars,
                named: Vec::new(),
            }));
        }
    }
    let diagnosis = Diagnosis {
        run: "fashion-cnn".to_owned(),
        verdict: Verdict::Healthy,
        steps: 1_200,
        incident: None,
        causes: Vec::new(),
        findings: Vec::new(),
        checked: rules(31),
        not_checked: vec![not_checked("rank-divergence", "needs more than one rank")],
        dropped: 0,
        notes: Vec::new(),
    };
    Case { diagnosis, curves, samples: Vec::new() }
}

/// A run with something odd, and no cause that is likely.
pub(crate) fn unsure() -> Case {
    let mut curves = Curves::default();
    for step in 0..300_u64 {
        let loss = 0.69 + 0.004 * wobble(step) - step as f64 * 1e-4;
        let scalars = vec![(Scalar::Loss, loss), (Scalar::LearningRate, 1e-4)];
        curves.see(&Record::Step(StepRecord { step, scalars, stands_for: 1, ..StepRecord::default() }));
    }
    let mut flat =
        finding("LOS003", "loss-barely-falls", Severity::Warning, 299, None, "the loss fell by 4 % in 300 steps");
    flat.evidence = vec![Evidence::against("share of the loss that went away", 0.043, 0.1)];
    let diagnosis = Diagnosis {
        run: "churn".to_owned(),
        verdict: Verdict::Unsure,
        steps: 300,
        incident: None,
        causes: vec![
            Cause {
                slug: "learning-rate-too-low".to_owned(),
                confidence: 0.4999,
                step: None,
                site: None,
                operation: None,
                evidence: vec![
                    Evidence::against("update/weight ratio, median over sites", 3.1e-6, 1e-4),
                    Evidence::against("share of the loss that went away", 0.043, 0.1),
                ],
                remedy: Remedy {
                    text: "raise the learning rate from 1e-4 to 3e-3".to_owned(),
                    change: vec![Edit { key: "optimizer.learning_rate".to_owned(), value: EditValue::Number(3e-3) }],
                    verified: Some(Trial {
                        from_step: 0,
                        steps: 100,
                        finite: true,
                        loss_first: 0.69,
                        loss_last: 0.688,
                        loss_without: 0.686,
                        works: false,
                    }),
                },
            },
            Cause {
                slug: "labels-misaligned".to_owned(),
                confidence: 0.22,
                step: None,
                site: None,
                operation: None,
                evidence: Vec::new(),
                remedy: Remedy {
                    text: "check that inputs and targets are in the same order".to_owned(),
                    change: Vec::new(),
                    verified: None,
                },
            },
        ],
        findings: vec![flat],
        checked: rules(24),
        not_checked: ["dead-units", "activation-saturated", "activation-exploding"]
            .iter()
            .map(|rule| not_checked(rule, "needs activations"))
            .chain([not_checked("update-zero", "switched off: it panicked at step 12")])
            .collect(),
        dropped: 1_412,
        notes: strings(&["records between step 100 and step 200 were thinned to one in 8"]),
    };
    Case { diagnosis, curves, samples: Vec::new() }
}

/// Texts that would act on a screen, a browser or a Markdown page if they were passed on.
pub(crate) const HOSTILE: [&str; 6] = [
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31mfc1",
    "line one\nerror[FAKE]: line two\r\u{9b}5m",
    "\u{202e}gnp.exe\u{2066}",
    "<script>alert('x')</script><img src=x onerror=alert(1)>",
    "](javascript:alert(1)) **bold** `code` | cell @everyone <!--",
    "blocks.層.\u{200b}attn\u{e0041}\u{0}\u{7f}",
];

/// A diagnosis in which every text from the log is hostile.
pub(crate) fn hostile() -> Case {
    with_texts(HOSTILE)
}

/// A diagnosis in which these are the texts from the log.
pub(crate) fn with_texts(texts: [&str; 6]) -> Case {
    let [escape, line, bidi, script, markdown, odd] = texts;
    let mut curves = Curves::default();
    announce(&mut curves, &texts);
    for step in 0..20_u64 {
        let loss = if step == 7 { f64::INFINITY } else { 1.0 / (step + 1) as f64 };
        let readings = (0..texts.len()).map(|site| at(site, Role::Gradient, &reading(8, 0.1, 0))).collect();
        let scalars = vec![(Scalar::Loss, loss)];
        curves.see(&Record::Step(StepRecord { step, scalars, readings, stands_for: 1, ..StepRecord::default() }));
    }
    let mut first = finding(bidi, escape, Severity::Error, 7, Some((script, Role::Gradient)), line);
    first.evidence = texts.iter().map(|text| Evidence::against(*text, f64::INFINITY, -1.5e-9)).collect();
    let second = finding("GRD001", "x", Severity::Warning, 7, Some((escape, Role::Weight)), markdown);
    let diagnosis = Diagnosis {
        run: format!("{escape}{script}"),
        verdict: Verdict::Unhealthy,
        steps: 20,
        incident: Some(Incident {
            step: 7,
            phase: Phase::Backward,
            operation: line.to_owned(),
            site: escape.to_owned(),
            source: Some(SourceLine { file: script.to_owned(), line: 1, text: String::new() }),
            rows: vec![3],
            rows_of: RowsOf::DataSet,
            row_count: 40,
            inputs: texts
                .iter()
                .map(|name| OperationInput { name: (*name).to_owned(), shape: vec![2, 2], reading: reading(4, 1.0, 1) })
                .collect(),
            victims: 1,
            exactness: Exactness::NotReplayed { reason: bidi.to_owned() },
        }),
        causes: vec![Cause {
            slug: script.to_owned(),
            confidence: 0.7,
            step: Some(7),
            site: Some(markdown.to_owned()),
            operation: Some(odd.to_owned()),
            evidence: vec![Evidence::plain(line, f64::NEG_INFINITY)],
            remedy: Remedy {
                text: markdown.to_owned(),
                change: texts
                    .iter()
                    .map(|text| Edit { key: (*text).to_owned(), value: EditValue::Text((*text).to_owned()) })
                    .collect(),
                verified: None,
            },
        }],
        findings: vec![first, second],
        checked: strings(&texts),
        not_checked: texts.iter().map(|text| not_checked(text, text)).collect(),
        dropped: 1,
        notes: strings(&texts),
    };
    // A page with pictures loads them from itself; those of this case have none, so that any is markup of a log.
    let samples = vec![Sample { picture: None, ..samples([texts[0], texts[1]]).swap_remove(1) }];
    Case { diagnosis, curves, samples }
}

/// A long run of a deep model with many findings: what bounds the size of a page.
pub(crate) fn large() -> Case {
    let mut case = unhealthy();
    let mut curves = Curves::default();
    let paths: Vec<String> = (0..200)
        .map(|site| {
            format!(
                "transformer.blocks.{}.{}",
                site / 8,
                ["ln1", "attn.qkv", "attn.proj", "attn.out", "ln2", "mlp.fc1", "mlp.fc2", "mlp.gate"][site % 8]
            )
        })
        .collect();
    announce(&mut curves, &paths.iter().map(String::as_str).collect::<Vec<_>>());
    for step in 0..20_000_u64 {
        let loss =
            if step == 12_345 { f64::NAN } else { 10.8 * (-(step as f64) / 4_000.0).exp() + 2.7 + 0.2 * wobble(step) };
        let norm = if step == 12_344 { 3e4 } else { 1.0 + 0.4 * wobble(step + 1) };
        let scalars = vec![
            (Scalar::Loss, loss),
            (Scalar::LearningRate, 3e-4 * (step as f64 / 2_000.0).min(1.0)),
            (Scalar::GradientNorm, norm),
        ];
        let mut readings = Vec::new();
        if step % 50 == 0 || step == 12_345 {
            for site in 0..paths.len() {
                // Noise in every cell: no two neighbours share a colour, which is the costliest drawing.
                let scale = 0.02 * 1.02_f64.powf(site as f64) * 10_f64.powf(2.0 * wobble(step + 31 * site as u64));
                let mut gradient = reading(1 << 20, scale, 0);
                gradient.nan = u64::from(step == 12_345 && site >= 120);
                readings.push(at(site, Role::Weight, &reading(1 << 20, scale, 0)));
                readings.push(at(site, Role::Gradient, &gradient));
                readings.push(at(
                    site,
                    Role::Activation,
                    &reading(1 << 16, scale * 40.0, (f64::from(1 << 15) * (1.0 + wobble(step + site as u64))) as u64),
                ));
            }
        }
        curves.see(&Record::Step(StepRecord { step, scalars, readings, stands_for: 1, ..StepRecord::default() }));
    }
    case.curves = curves;
    for (index, path) in paths.iter().cycle().take(10_000).enumerate() {
        let code = format!("ACT{:03}", index % 40);
        let message = format!("units of {path} are dead");
        case.diagnosis.findings.push(finding(
            &code,
            "dead-units",
            Severity::Warning,
            index as u64,
            Some((path, Role::Activation)),
            &message,
        ));
    }
    case.diagnosis.findings.sort_by_key(|finding| finding.step);
    case.diagnosis.steps = 20_000;
    case
}

/// Parses a page as XML: every element is closed and every attribute is quoted, once.
pub(crate) fn assert_well_formed(page: &str) {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(page);
    let mut depth = 0_i32;
    loop {
        match reader.read_event().expect("well-formed markup") {
            Event::Start(tag) => {
                depth += 1;
                assert!(tag.attributes().all(|attribute| attribute.is_ok()), "{tag:?}");
            }
            Event::Empty(tag) => assert!(tag.attributes().all(|attribute| attribute.is_ok()), "{tag:?}"),
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "every element is closed");
}

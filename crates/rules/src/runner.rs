//! One rule at work on one run: its watchers, and whether they could tell anything.
use crate::rule::{Rule, Scope};
use crate::view::StepView;
use crate::watch::{Verdict, Watch};
use barograph_vocab::{Finding, SiteId};

/// The watcher of one site.
enum Post {
    Empty,
    Watching(Box<dyn Watch>),
    /// It has found what it looks for; a finding is latched for the rest of the run.
    Done,
}

/// A rule and its watchers.
pub(crate) struct Runner {
    pub(crate) rule: &'static Rule,
    posts: Vec<Post>,
    /// Whether a watcher ever said more than "too early".
    pub(crate) decided: bool,
    /// Why it no longer runs.
    pub(crate) off: Option<String>,
}

impl Runner {
    pub(crate) const fn new(rule: &'static Rule) -> Self {
        Self { rule, posts: Vec::new(), decided: false, off: None }
    }

    pub(crate) fn see(&mut self, view: &StepView<'_>, out: &mut Vec<Found>) {
        if self.off.is_some() {
            return;
        }
        match self.rule.scope {
            Scope::Run => self.see_at(0, None, view, out),
            Scope::Each(role) => {
                for &site in view.sites.in_order() {
                    if view.reading(site, role).is_some() {
                        self.see_at(site.index(), Some(site), view, out);
                    }
                }
            }
        }
    }

    fn see_at(&mut self, post: usize, site: Option<SiteId>, view: &StepView<'_>, out: &mut Vec<Found>) {
        self.ask(post, site, out, |watch| {
            if view.broken() && !watch.sees_broken_steps() { Verdict::TooEarly } else { watch.see(view, site) }
        });
    }

    /// Asks the run's one watcher; rules with a watcher per site have none.
    pub(crate) fn ask_run(&mut self, out: &mut Vec<Found>, question: impl FnOnce(&mut dyn Watch) -> Verdict) {
        if self.off.is_none() && self.rule.scope == Scope::Run {
            self.ask(0, None, out, question);
        }
    }

    /// Asks every watcher that is still at its post.
    pub(crate) fn ask_all(
        &mut self,
        out: &mut Vec<Found>,
        mut question: impl FnMut(&mut dyn Watch, Option<SiteId>) -> Verdict,
    ) {
        if self.off.is_some() {
            return;
        }
        if self.rule.scope == Scope::Run {
            self.ask(0, None, out, |watch| question(watch, None));
            return;
        }
        for post in 0..self.posts.len() {
            if matches!(self.posts[post], Post::Watching(_)) {
                let site = Some(SiteId(post as u32));
                self.ask(post, site, out, |watch| question(watch, site));
            }
        }
    }

    fn ask(
        &mut self,
        post: usize,
        site: Option<SiteId>,
        out: &mut Vec<Found>,
        question: impl FnOnce(&mut dyn Watch) -> Verdict,
    ) {
        if self.posts.len() <= post {
            self.posts.resize_with(post + 1, || Post::Empty);
        }
        let slot = &mut self.posts[post];
        if matches!(slot, Post::Empty) {
            *slot = Post::Watching((self.rule.watch)());
        }
        let Post::Watching(watch) = slot else { return };
        match question(watch.as_mut()) {
            Verdict::TooEarly => {}
            Verdict::Healthy => self.decided = true,
            Verdict::Found(finding) => {
                self.decided = true;
                *slot = Post::Done;
                out.push(Found { finding: *finding, site });
            }
        }
    }
}

/// A finding with its interned site, for sorting.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) finding: Finding,
    pub(crate) site: Option<SiteId>,
}

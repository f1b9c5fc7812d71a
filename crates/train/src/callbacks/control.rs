//! Does what `barograph ctl` asks for.
use super::{Action, Callback, RunInfo, StepReport};
use crate::control::{Command, Letter, Mailbox};
use barograph_vocab::RunEnd;
use std::time::{Duration, Instant};

/// How often it looks for commands: a few microseconds each time (our choice).
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Takes commands from the run's folder (see [`crate::control`]), between two steps and ten times a second at most. The log gets a note of
/// each. Without a folder it does nothing.
#[derive(Debug, Default)]
pub struct Control {
    mailbox: Option<Mailbox>,
    looked: Option<Instant>,
    /// Steps done.
    done: u64,
    rate: f64,
    /// Commands that are being obeyed, with what is to be answered once that is done.
    obeyed: Vec<(Letter, String)>,
}

impl Control {
    fn look(&mut self) -> Action {
        for (letter, answer) in self.obeyed.drain(..) {
            letter.answer(&answer);
        }
        let Some(mailbox) = &self.mailbox else { return Action::Continue };
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Action::Continue;
        }
        self.looked = Some(Instant::now());
        let letters = mailbox.take();
        if letters.is_empty() {
            return Action::Continue;
        }
        Action::All(letters.into_iter().flat_map(|letter| self.obey(letter)).collect())
    }

    fn obey(&mut self, letter: Letter) -> Vec<Action> {
        let done = self.done;
        let (answer, note, actions) = match letter.command {
            Err(ref problem) => {
                letter.answer(&format!("not understood: {problem}"));
                return Vec::new();
            }
            Ok(Command::Pause) => (format!("paused after {done} steps"), "paused".to_owned(), vec![Action::Pause]),
            Ok(Command::Resume) => {
                (format!("going on after {done} steps"), "going on".to_owned(), vec![Action::Unpause])
            }
            Ok(Command::Stop) => {
                letter.answer(&format!("ending after {done} steps; train --resume goes on"));
                return vec![Action::Interrupt { reason: format!("ended by barograph ctl after {done} steps") }];
            }
            Ok(Command::Checkpoint) => {
                let file = format!("ctl-{done:06}.safetensors");
                let actions = vec![Action::Checkpoint { file: file.clone() }, Action::Backup];
                (
                    format!("written: checkpoints/{file}, and a backup to resume from"),
                    "a checkpoint".to_owned(),
                    actions,
                )
            }
            Ok(Command::SetLearningRate(rate)) => {
                let before = std::mem::replace(&mut self.rate, rate);
                let text = format!("the learning rate is {rate} from step {done} on; it was {before}");
                (text.clone(), text, vec![Action::SetLearningRate(rate)])
            }
        };
        self.obeyed.push((letter, answer));
        let mut all = vec![Action::Note(format!("barograph ctl: {note}"))];
        all.extend(actions);
        all
    }
}

impl Callback for Control {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        self.mailbox = run.folder.map(Mailbox::open);
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        (self.done, self.rate) = (step.step + 1, step.learning_rate);
        self.look()
    }

    fn paused(&mut self) -> Action {
        self.look()
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        for (letter, answer) in self.obeyed.drain(..) {
            letter.answer(if end == RunEnd::Failed { "the training failed before this was done" } else { &answer });
        }
        if let Some(mailbox) = &self.mailbox {
            mailbox.close();
        }
        Action::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::begin_in;
    use crate::control::send;

    #[test]
    fn each_command_becomes_actions_and_a_note() {
        let run = tempfile::tempdir().unwrap();
        let mut control = Control::default();
        begin_in(&mut control, 1, Some(run.path()));
        let mut told = |command| {
            let sent = send(run.path(), command).unwrap();
            control.looked = None;
            let action = control.step_end(&StepReport { step: 7, learning_rate: 0.1, ..StepReport::default() });
            let Action::All(actions) = action else { panic!("{action:?}") };
            control.paused(); // By now what was asked for is done.
            (sent.wait(Duration::ZERO).expect("an answer"), actions)
        };
        let note = |text: &str| Action::Note(format!("barograph ctl: {text}"));
        let (answer, actions) = told(Command::SetLearningRate(0.01));
        assert_eq!(answer, "the learning rate is 0.01 from step 8 on; it was 0.1");
        assert_eq!(actions, [note(&answer), Action::SetLearningRate(0.01)]);
        assert_eq!(told(Command::Pause).1, [note("paused"), Action::Pause]);
        assert_eq!(told(Command::Resume).1, [note("going on"), Action::Unpause]);
        let file = "ctl-000008.safetensors".to_owned();
        assert_eq!(told(Command::Checkpoint).1, [note("a checkpoint"), Action::Checkpoint { file }, Action::Backup]);
        assert!(matches!(told(Command::Stop).1[..], [Action::Interrupt { .. }]));
    }

    #[test]
    fn an_answer_waits_until_the_command_was_obeyed() {
        let run = tempfile::tempdir().unwrap();
        for (end, answer) in [
            (RunEnd::Completed, "written: checkpoints/ctl-000001.safetensors, and a backup to resume from"),
            (RunEnd::Failed, "the training failed before this was done"),
        ] {
            let mut control = Control::default();
            begin_in(&mut control, 1, Some(run.path()));
            let sent = send(run.path(), Command::Checkpoint).unwrap();
            assert_ne!(control.step_end(&StepReport::default()), Action::Continue);
            assert!(sent.wait(Duration::ZERO).is_none());
            control.train_end(end);
            assert_eq!(sent.wait(Duration::ZERO).as_deref(), Some(answer));
        }
    }

    #[test]
    fn without_a_folder_and_between_two_looks_it_does_nothing() {
        assert_eq!(Control::default().step_end(&StepReport::default()), Action::Continue);
        let run = tempfile::tempdir().unwrap();
        let mut control = Control::default();
        begin_in(&mut control, 1, Some(run.path()));
        assert_eq!(control.step_end(&StepReport::default()), Action::Continue);
        send(run.path(), Command::Pause).unwrap();
        control.looked = Some(Instant::now() + Duration::from_mins(1));
        assert_eq!(control.step_end(&StepReport::default()), Action::Continue);
    }
}

//! The hooks of modules that run at every call of every layer: what is the same from step to step is done here, the rest by the
//! slow path in Python, which knows all cases.
use crate::array::{describe, is_grad_enabled};
use crate::reading::read;
use crate::session::Session;
use barograph_monitor::reading_options;
use barograph_vocab::{Role, SiteId};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::collections::HashMap;
use std::thread::ThreadId;
use std::time::Instant;

/// What is done at the end of a module's forward pass.
enum Module {
    /// Nothing: it only passes on what came in, or holds other modules.
    Passing,
    /// Its result is read.
    Layer(Reader),
    /// It is an activation function: its result is read as the activation of the layer before it.
    Function,
}

/// A layer whose readings have their place.
struct Reader {
    /// What Python knows of it.
    layer: Py<PyAny>,
    site: u32,
    /// Whether no activation function follows, so that its result is the activation itself.
    linear: bool,
}

/// The latest result of a layer, until an activation function takes it up.
struct Latest {
    tensor: Py<PyAny>,
    layer: Py<PyAny>,
    site: u32,
    linear: bool,
}

/// The call of a model that this step is to begin with, if it goes as the one before.
struct Expected {
    /// The `id` of the model.
    model: usize,
    /// Where its input is read, if that has numbers with a fraction.
    input: Option<u32>,
    /// Whether the model is at work.
    under_way: bool,
}

/// A call of a model that went as expected: what went in, and the one tensor that came out.
struct Taken {
    model: Py<PyAny>,
    args: Py<PyTuple>,
    result: Py<PyAny>,
}

/// What was done at the end of a module.
#[derive(Clone, Copy)]
enum End {
    /// All that is to be done.
    Known,
    /// Nothing: the slow path is to do it. `expected` says that a model ends whose beginning the slow path has not seen.
    Unknown { expected: bool },
}

/// Hooks of modules for one supervisor, with the stack of modules whose forward passes are under way.
#[pyclass(module = "barograph")]
pub(crate) struct ModuleHooks {
    session: Py<Session>,
    /// Modules below the model that loop code called, that one first.
    #[pyo3(get)]
    stack: Py<PyList>,
    /// Whether nothing is to be seen.
    #[pyo3(get, set)]
    quiet: bool,
    /// Whether the results of modules are read at the moment.
    #[pyo3(get, set)]
    reads_modules: bool,
    /// Whether all that is read now is read here: on the CPU, in a step without readings per unit, with no mode above.
    #[pyo3(get, set)]
    fast: bool,
    enter_slowly: Py<PyAny>,
    leave_slowly: Py<PyAny>,
    begin_slowly: Py<PyAny>,
    expected: Option<Expected>,
    taken: Option<Taken>,
    thread: ThreadId,
    modules: HashMap<usize, Module>,
    latest: Option<Latest>,
    seconds: f64,
}

#[pymethods]
impl ModuleHooks {
    /// Hooks for the thread that calls this. `enter_slowly(module, args)` and `leave_slowly(module, args, kwargs, out)` do what is
    /// not done here. Where the call of a model was expected and turned out to be unlike the one before, `begin_slowly(module)` comes
    /// first, before the latter.
    #[new]
    fn new(
        py: Python<'_>,
        session: Py<Session>,
        enter_slowly: Py<PyAny>,
        leave_slowly: Py<PyAny>,
        begin_slowly: Py<PyAny>,
    ) -> Self {
        Self {
            session,
            stack: PyList::empty(py).unbind(),
            quiet: false,
            reads_modules: false,
            fast: false,
            enter_slowly,
            leave_slowly,
            begin_slowly,
            expected: None,
            taken: None,
            thread: std::thread::current().id(),
            modules: HashMap::new(),
            latest: None,
            seconds: 0.0,
        }
    }

    /// The module with this `id` needs nothing done when it ends.
    fn passes(&mut self, module: usize) {
        self.modules.insert(module, Module::Passing);
    }

    /// The module with this `id` is an activation function.
    fn is_function(&mut self, module: usize) {
        self.modules.insert(module, Module::Function);
    }

    /// The module with this `id` is a layer that is read at `site`; `linear` if no activation function follows.
    fn is_layer(&mut self, module: usize, layer: Py<PyAny>, site: u32, linear: bool) {
        self.modules.insert(module, Module::Layer(Reader { layer, site, linear }));
    }

    /// The module with this `id` is gone, or is to be looked at by the slow path again. Serves as the callback of a weak reference.
    #[pyo3(signature = (module, _reference=None))]
    fn forget(&mut self, module: usize, _reference: Option<&Bound<'_, PyAny>>) {
        self.modules.remove(&module);
    }

    /// No layer waits for its activation function.
    fn clear(slf: &Bound<'_, Self>) {
        let latest = slf.borrow_mut().latest.take();
        drop(latest); // What goes with it may be watched by Python.
    }

    /// The layer whose latest result `tensor` is.
    fn maker(&self, py: Python<'_>, tensor: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
        self.latest.as_ref().filter(|latest| latest.tensor.is(tensor)).map(|latest| latest.layer.clone_ref(py))
    }

    /// Seconds that were spent here since this was asked last.
    fn take_seconds(&mut self) -> f64 {
        std::mem::take(&mut self.seconds)
    }

    /// The next call of a model is to be that of the model with this `id`, with gradients, on the CPU, and all that is read in it
    /// can be read here: its input, its modules, and whether its result is finite.
    fn expect(slf: &Bound<'_, Self>, model: usize, input: Option<u32>) {
        slf.borrow_mut().expected = Some(Expected { model, input, under_way: false });
        let taken = slf.borrow_mut().taken.take();
        drop(taken);
    }

    /// Nothing is known of the next call of a model.
    fn expect_nothing(&mut self) {
        self.expected = None;
    }

    /// The call of a model that was expected, if it was made: the model, what went in, and what came out. It is given once.
    fn taken(&mut self) -> Option<(Py<PyAny>, Py<PyTuple>, Py<PyAny>)> {
        let Taken { model, args, result } = self.taken.take()?;
        Some((model, args, result))
    }

    /// Reads what the model that was expected has put out, at the site `output`, beside the targets of this step at theirs; see
    /// `Session.see_answers`. Returns whether it was called.
    fn see_answers(
        slf: &Bound<'_, Self>,
        output: u32,
        target: u32,
        targets: &Bound<'_, PyAny>,
        logits: bool,
    ) -> PyResult<bool> {
        let py = slf.py();
        Self::clear(slf); // The forward pass is over.
        let taken = slf.borrow().taken.as_ref().map(|taken| taken.result.clone_ref(py));
        let Some(result) = taken else { return Ok(false) };
        let result = result.bind(py);
        let (shape, of_target) = (sizes(result)?, sizes(targets)?);
        let width = if shape.len() > 1 { shape[shape.len() - 1] } else { 1 };
        let columns = of_target.iter().skip(1).product();
        let rows = shape.first().copied().unwrap_or(0);
        let targets = Some((target, targets.clone()));
        let session = slf.borrow().session.clone_ref(py);
        session.get().see_answers(output, result, (rows, width), targets, columns, logits)?;
        Ok(true)
    }

    /// A module is called.
    fn enter(slf: &Bound<'_, Self>, module: &Bound<'_, PyAny>, args: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyAny>>> {
        if Self::enters(slf, module)? {
            return Ok(None);
        }
        let slowly = slf.borrow().enter_slowly.clone_ref(slf.py());
        slowly.call1(slf.py(), (module, args)).map(Some)
    }

    /// A module has its result.
    fn leave(
        slf: &Bound<'_, Self>,
        module: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let begun = Instant::now();
        let end = Self::leaves(slf, module, args, kwargs, out).unwrap_or(End::Unknown { expected: false });
        if let End::Unknown { expected: true } = end {
            slf.borrow_mut().expected = None;
            let begin_slowly = slf.borrow().begin_slowly.clone_ref(py);
            begin_slowly.call1(py, (module,))?;
        }
        if !matches!(end, End::Unknown { .. }) {
            slf.borrow_mut().seconds += begun.elapsed().as_secs_f64();
            return Ok(None);
        }
        let slowly = slf.borrow().leave_slowly.clone_ref(py);
        slowly.call1(py, (module, args, kwargs, out)).map(Some)
    }
}

// Each borrow is as short as a look or a change: while a tensor is read, or anything of Python is called, another thread may come in.
impl ModuleHooks {
    /// Whether a call of a module is to be seen: in the thread of the training, and not in supervision itself.
    fn sees(&self) -> bool {
        !self.quiet && std::thread::current().id() == self.thread
    }

    /// Does what is to be done at the beginning of a module. Returns whether that was all.
    fn enters(slf: &Bound<'_, Self>, module: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = slf.py();
        if !slf.borrow().sees() {
            return Ok(false);
        }
        let stack = slf.borrow().stack.clone_ref(py).into_bound(py);
        if stack.is_empty() {
            // Whatever it is that begins: what was expected counts for the first call.
            let expected = slf.borrow_mut().expected.take();
            let model = module.as_ptr() as usize;
            let Some(expected) = expected.filter(|expected| expected.model == model) else { return Ok(false) };
            if !is_grad_enabled(py)? {
                return Ok(false);
            }
            let mut this = slf.borrow_mut();
            this.expected = Some(Expected { under_way: true, ..expected });
            (this.reads_modules, this.fast) = (true, true);
        }
        stack.append(module)?;
        Ok(true)
    }

    /// Does what is to be done at the end of a module.
    fn leaves(
        slf: &Bound<'_, Self>,
        module: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<End> {
        let py = slf.py();
        if !slf.borrow().sees() {
            return Ok(End::Unknown { expected: false });
        }
        let stack = slf.borrow().stack.clone_ref(py).into_bound(py);
        let Some(top) = stack.iter().next_back() else { return Ok(End::Unknown { expected: false }) };
        let (is_top, is_model) = (top.is(module), stack.get_item(0)?.is(module));
        let of_model = is_model && (stack.len() == 1 || !is_top);
        let expected = of_model && slf.borrow().expected.as_ref().is_some_and(|expected| expected.under_way);
        if !is_top {
            return Ok(End::Unknown { expected }); // A forward pass below this one ended with an exception.
        }
        let (reads, fast) = (slf.borrow().reads_modules, slf.borrow().fast);
        let done = if of_model {
            expected && kwargs.is_empty() && Self::reads_model(slf, module, args, out).unwrap_or(false)
        } else {
            !reads || (fast && Self::reads(slf, module, args, out)?)
        };
        if !done {
            return Ok(End::Unknown { expected });
        }
        stack.del_item(stack.len() - 1)?;
        Ok(End::Known)
    }

    /// Reads what a model that was expected was given and has put out, if it is as usual: one tensor each, and the result finite.
    fn reads_model(
        slf: &Bound<'_, Self>,
        model: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let py = slf.py();
        let input = slf.borrow().expected.as_ref().and_then(|expected| expected.input);
        let passes = matches!(slf.borrow().modules.get(&(model.as_ptr() as usize)), Some(Module::Passing));
        let Some(given) = args.iter().next().filter(|_| passes && args.len() == 1) else { return Ok(false) };
        let (Some(memory), Some(result)) = (describe(&given), describe(out)) else { return Ok(false) };
        let is_read = memory.kind.is_float();
        if !result.kind.is_float() || result.len() < 2 || (is_read && input.is_none()) {
            return Ok(false);
        }
        if read(py, &result, barograph_stats::Options::default())?.non_finite() > 0 {
            return Ok(false);
        }
        if let Some(input) = input.filter(|_| is_read) {
            Self::read(slf, input, Role::Input, &given)?;
        }
        let taken = Taken { model: model.clone().unbind(), args: args.clone().unbind(), result: out.clone().unbind() };
        let mut this = slf.borrow_mut();
        (this.reads_modules, this.expected) = (false, None);
        let before = this.taken.replace(taken);
        drop(this);
        drop(before);
        Ok(true)
    }

    fn reads(
        slf: &Bound<'_, Self>,
        module: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let py = slf.py();
        let reader = match slf.borrow().modules.get(&(module.as_ptr() as usize)) {
            None => return Ok(false),
            Some(Module::Passing) => return Ok(true),
            Some(Module::Layer(Reader { layer, site, linear })) => Some((layer.clone_ref(py), *site, *linear)),
            Some(Module::Function) => None,
        };
        if let Some((layer, site, linear)) = reader {
            let role = if linear { Role::Activation } else { Role::PreActivation };
            let done = Self::read(slf, site, role, out)?;
            if done {
                let before =
                    slf.borrow_mut().latest.replace(Latest { tensor: out.clone().unbind(), layer, site, linear });
                drop(before);
            }
            return Ok(done);
        }
        let Some(given) = args.iter().next() else { return Ok(false) };
        let latest = slf.borrow().latest.as_ref().filter(|latest| latest.tensor.is(&given)).map(|l| (l.site, l.linear));
        let Some((site, linear)) = latest else { return Ok(false) };
        if !linear && !Self::read(slf, site, Role::Activation, out)? {
            return Ok(false);
        }
        Self::clear(slf);
        Ok(true)
    }

    /// Reads a result, unless this site and role were read in this step. Returns whether it is one that can be read here.
    fn read(slf: &Bound<'_, Self>, site: u32, role: Role, out: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = slf.py();
        let Some(memory) = describe(out).filter(|memory| memory.kind.is_float()) else { return Ok(false) };
        let session = slf.borrow().session.clone_ref(py);
        let session = session.get();
        if session.is_first(site, role) {
            session.take_reading(SiteId(site), role, read(py, &memory, reading_options(role))?);
        }
        Ok(true)
    }
}

/// The sizes of a tensor.
fn sizes(tensor: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    tensor.getattr(intern!(tensor.py(), "shape"))?.extract()
}

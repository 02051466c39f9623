//! Compares rendering a preset with four matchers, a grouping and a window with `format!` on the same strings and with a
//! template engine: `cd benches && cargo run --release --bin render`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use minijinja::{Environment, context};
use promql_presets::presets::container_utilization::{Label, Querier, RATE, ValueType};
use promql_presets::{MetricQuerier, Preset, Vector, Windowed, preset};

const INLINE: Preset<dyn MetricQuerier, Vector, Windowed> =
    preset!("sum by ({group_by}) (rate({metric_name}{{{labels}}}[{window}]))", window = "5m");

fn main() {
    let [session, agent] = ["6e3a0b21-4d5f-4c8b-9a26-7b0f1d8e3c02", "i-1"];
    let generated = Querier::new("cpu_used")
        .value_type(ValueType::Current)
        .session_id(session.parse::<promql_presets::__private1::Uuid>().unwrap())
        .agent_id(agent.to_owned())
        .group_by([Label::KernelId]);
    let any = promql_presets::Querier::new("backendai_container_utilization")
        .label("container_metric_name", "cpu_used")
        .label("value_type", "current")
        .label("session_id", session)
        .label("agent_id", agent)
        .group_by(["kernel_id"]);
    let window = "1m".parse().unwrap();
    let by_format = |name: &str, values: [&str; 4], group_by: &str, window: &str| {
        let [measure, aspect, session, agent] = values;
        format!(
            "sum by ({group_by}) (rate({name}{{container_metric_name=\"{measure}\",value_type=\"{aspect}\",\
             session_id=\"{session}\",agent_id=\"{agent}\"}}[{window}]))"
        )
    };
    let mut engine = Environment::new();
    let template = "sum by ({{ group_by }}) (rate({{ name }}{{ '{' }}{% for l in labels %}{{ l[0] }}=\"{{ l[1] }}\"\
                    {% if not loop.last %},{% endif %}{% endfor %}{{ '}' }}[{{ window }}]))";
    engine.add_template("rate", template).unwrap();
    let by_engine = || {
        let labels = [
            ("container_metric_name", "cpu_used"),
            ("value_type", "current"),
            ("session_id", session),
            ("agent_id", agent),
        ];
        let name = "backendai_container_utilization";
        let context = context! { name, labels, group_by => "kernel_id", window => "1m" };
        engine.get_template("rate").unwrap().render(context).unwrap()
    };
    let format = || {
        let values = black_box(["cpu_used", "current", session, agent]);
        by_format(black_box("backendai_container_utilization"), values, black_box("kernel_id"), black_box("1m"))
    };

    let render_generated = || RATE.render(black_box(&generated), Some(black_box(window))).unwrap();
    let render_any = || INLINE.render(black_box(&any), Some(black_box(window))).unwrap();
    assert_eq!(render_generated(), format());
    assert_eq!(render_any(), format());
    assert_eq!(by_engine(), format());

    let contenders: [(&str, &dyn Fn() -> String); 4] = [
        ("format!", &format),
        ("preset of a file", &render_generated),
        ("preset!", &render_any),
        ("minijinja 2", &by_engine),
    ];
    // In turns, so that other load on the machine affects all of them.
    let mut best = [Duration::MAX; 4];
    for _ in 0..200 {
        for (best, (_, run)) in best.iter_mut().zip(&contenders) {
            *best = (*best).min(time(run));
        }
    }
    println!("{} bytes of PromQL", format().len());
    for ((name, run), time) in contenders.iter().zip(best) {
        let before = ALLOCATIONS.load(Relaxed);
        black_box(run());
        let allocations = ALLOCATIONS.load(Relaxed) - before;
        println!(
            "  {name:<20} {:>8.1} ns {:>6.2} x format! {allocations:>4} allocations",
            time.as_secs_f64() * 1e9,
            time.as_secs_f64() / best[0].as_secs_f64(),
        );
    }
}

/// The mean time of some runs.
fn time(run: &dyn Fn() -> String) -> Duration {
    const RUNS: u32 = 200;
    let start = Instant::now();
    for _ in 0..RUNS {
        black_box(run());
    }
    start.elapsed() / RUNS
}

/// The allocator of the system, which counts allocations.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes every call on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

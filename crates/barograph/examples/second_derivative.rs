//! Second derivatives: the curvature of softplus against its closed form, and Newton's method, which needs the curvature at each step.
use barograph::derivatives;

fn main() {
    println!("softplus      slope  curvature  closed form");
    let points = [-4.0, -1.0, 0.0, 0.5, 3.0_f32];
    let softplus = derivatives(&points, |x| (x.exp() + 1.0).ln());
    for (place, x) in points.iter().enumerate() {
        // softplus' = s, the sigmoid, and softplus'' = s (1 - s).
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        let curvature = sigmoid * (1.0 - sigmoid);
        println!("  at {x:4}   {:8.5}   {:8.5}     {curvature:8.5}", softplus.first[place], softplus.second[place]);
        assert!((softplus.first[place] - sigmoid).abs() < 1e-6);
        assert!((softplus.second[place] - curvature).abs() < 1e-6);
    }

    // The lowest point of e^x - 3x is ln 3. Each step of Newton's method goes to the lowest point of the parabola that fits the function
    // best, so that the number of right digits doubles.
    println!("\nNewton's method on e^x - 3x");
    let (mut x, lowest) = (2.0_f32, 3.0_f32.ln());
    for step in 0..6 {
        println!("  step {step}  x = {x:.7}  off by {:.1e}", (x - lowest).abs());
        let at = derivatives(&[x], |x| x.clone().exp() - x * 3.0);
        x -= at.first[0] / at.second[0];
    }
    assert!((x - lowest).abs() < 1e-6, "{x} is not {lowest}");
}

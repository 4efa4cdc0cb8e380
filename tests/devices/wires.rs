//! Wire resistance: the exact solver against circuits solved by hand and against nodal equations solved by elimination, the
//! approximation of reads against the exact solver, and reads of crossbars against both.

use std::path::Path;

use memrtl::array::Crossbar;
use memrtl::array::wires::{Driven, Grid, Wires, WiresError, attenuate, solve, transfer};
use memrtl::device::{CellAddress, Noise, Stream};
use memrtl::fixed::max_code;
use memrtl::spec::{self, Design};

/// Conductances uniform between the ends of `range`.
fn pseudo_random_grid(rows: usize, cols: usize, (low, high): (f64, f64), seed: u64) -> Vec<f64> {
    let mut row = vec![0.0; cols];
    let mut grid = Vec::new();
    for i in 0..rows {
        Noise::new(seed, 0).uniforms(Stream::DeviceToDevice, 0, i, &mut row);
        grid.extend(row.iter().map(|u| low + f64::from(*u) * (high - low)));
    }
    grid
}

fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1e-30), "{got:e} {want:e}");
}

#[test]
fn one_cell_is_a_voltage_divider() {
    let wires = Wires { row: 100.0, col: 250.0 };
    let grid = Grid { cols: 1, siemens: &[1e-3] };
    let solved = solve(grid, wires, Driven::Rows(&[0.3])).unwrap();
    close(solved.lines[0], 0.3 / 1350.0, 1e-14);
    let back = solve(grid, wires, Driven::Columns(&[0.3])).unwrap();
    close(back.lines[0], 0.3 / 1350.0, 1e-14);
    // The approximation is exact here.
    let mut seen = [0.0];
    attenuate(&[1.0], 1, 0.1, 0.25, &mut seen);
    assert_eq!(seen, [1.0 / 1.35]);
}

/// Two rows on one column: superposition of two ladders, done on paper with 1 ohm segments and cells of 1 S.
#[test]
fn two_by_two_is_what_paper_says() {
    // One column: node voltages b0 (upper), b1 (lower). Rows at 1 V and 0 V, row segments of 0 ohm.
    //   (1 - b0) = (b0 - b1);  (0 - b1) + (b0 - b1) = b1   =>  b0 = 3/5, b1 = 1/5; the converter draws 1/5 A.
    let column =
        solve(Grid { cols: 1, siemens: &[1.0, 1.0] }, Wires { row: 0.0, col: 1.0 }, Driven::Rows(&[1.0, 0.0])).unwrap();
    close(column.lines[0], 0.2, 1e-13);
    close(column.cells[0], 0.4, 1e-13);
    close(column.cells[1], -0.2, 1e-13);
    // 2 x 2, all cells 1 S, all segments 1 ohm, both rows at 1 V. By hand, for the cell currents:
    //   c00 (1 + 1 + 2) + c01 + c10 = 1         cell (0, 0): row segment 1, column segments 2
    //   c01 (1 + 2 + 2) + c00 + c11 = 1
    //   c10 (1 + 1 + 1) + c11 + c00 = 1
    //   c11 (1 + 2 + 1) + c10 + c01 = 1
    let square =
        solve(Grid { cols: 2, siemens: &[1.0; 4] }, Wires { row: 1.0, col: 1.0 }, Driven::Rows(&[1.0, 1.0])).unwrap();
    // The equations themselves are the test.
    let [a, b, c, d] = square.cells[..] else { panic!("four cells") };
    for (left, what) in
        [(4.0 * a + b + c, "00"), (a + 5.0 * b + d, "01"), (a + 3.0 * c + d, "10"), (b + c + 4.0 * d, "11")]
    {
        assert!((left - 1.0).abs() < 1e-13, "cell {what}: {left}");
    }
    close(square.lines[0], a + c, 1e-15);
    close(square.lines[1], b + d, 1e-15);
}

/// Node voltages by Gaussian elimination of the nodal equations: another formulation, another method.
fn nodal(g: &[f64], cols: usize, wires: Wires, volts: &[f64]) -> Vec<f64> {
    let rows = g.len() / cols;
    let n = 2 * rows * cols;
    let (row_node, col_node) = (|i: usize, j: usize| i * cols + j, |i: usize, j: usize| rows * cols + i * cols + j);
    let mut m = vec![vec![0.0; n + 1]; n];
    let mut join = |a: usize, b: usize, g: f64| {
        m[a][a] += g;
        m[b][b] += g;
        m[a][b] -= g;
        m[b][a] -= g;
    };
    let (gr, gc) = (1.0 / wires.row, 1.0 / wires.col);
    for i in 0..rows {
        for j in 0..cols {
            join(row_node(i, j), col_node(i, j), g[i * cols + j]);
            if j + 1 < cols {
                join(row_node(i, j), row_node(i, j + 1), gr);
            }
            if i + 1 < rows {
                join(col_node(i, j), col_node(i + 1, j), gc);
            }
        }
    }
    for i in 0..rows {
        m[row_node(i, 0)][row_node(i, 0)] += gr;
        m[row_node(i, 0)][n] += gr * volts[i];
    }
    for j in 0..cols {
        m[col_node(rows - 1, j)][col_node(rows - 1, j)] += gc;
    }
    for k in 0..n {
        let pivot = (k..n).max_by(|&a, &b| m[a][k].abs().total_cmp(&m[b][k].abs())).unwrap();
        m.swap(k, pivot);
        let above = m[k].clone();
        for row in &mut m[k + 1..] {
            let factor = row[k] / above[k];
            row.iter_mut().zip(&above).skip(k).for_each(|(v, above)| *v -= factor * above);
        }
    }
    let mut v = vec![0.0; n];
    for k in (0..n).rev() {
        v[k] = (m[k][n] - (k + 1..n).map(|c| m[k][c] * v[c]).sum::<f64>()) / m[k][k];
    }
    (0..cols).map(|j| gc * v[col_node(rows - 1, j)]).collect()
}

#[test]
fn currents_are_those_of_the_nodal_equations() {
    for (rows, cols, ohms) in [(3, 4, 50.0), (5, 2, 500.0), (6, 6, 2_000.0), (1, 7, 900.0), (7, 1, 900.0)] {
        let mut g = pseudo_random_grid(rows, cols, (1e-6, 1e-4), 3);
        g[rows * cols / 2] = 0.0;
        let volts: Vec<f64> = (0..rows).map(|i| 0.1 * ((i * 7 % 5) as f64 - 2.0)).collect();
        let wires = Wires { row: ohms, col: 0.7 * ohms };
        let solved = solve(Grid { cols, siemens: &g }, wires, Driven::Rows(&volts)).unwrap();
        let want = nodal(&g, cols, wires, &volts);
        let most = want.iter().fold(0.0f64, |a, b| a.max(b.abs()));
        for (got, want) in solved.lines.iter().zip(&want) {
            assert!((got - want).abs() < 1e-11 * most, "{rows}x{cols}: {got:e} {want:e}");
        }
    }
}

#[test]
fn kirchhoff_holds_at_any_size_and_load() {
    for (rows, cols) in [(16, 16), (128, 64), (64, 200)] {
        for ohms in [0.0, 1e-3, 1.0, 100.0, 1e4] {
            let g = pseudo_random_grid(rows, cols, (1e-7, 1e-4), 1);
            let volts: Vec<f64> = (0..rows).map(|i| 0.2 * ((i * 13 % 9) as f64 - 4.0) / 4.0).collect();
            let solved =
                solve(Grid { cols, siemens: &g }, Wires { row: ohms, col: ohms }, Driven::Rows(&volts)).unwrap();
            assert!(solved.residual < 1e-10, "{rows}x{cols}, {ohms} ohm: {:e}", solved.residual);
            // What goes into the rows comes out of the columns.
            let (sum, out): (f64, f64) = (solved.cells.iter().sum(), solved.lines.iter().sum());
            assert!((sum - out).abs() < 1e-12 * solved.cells.iter().map(|c| c.abs()).sum::<f64>());
        }
    }
}

#[test]
fn wires_without_resistance_give_the_plain_sum() {
    let (rows, cols) = (20, 30);
    let g = pseudo_random_grid(rows, cols, (1e-6, 1e-4), 2);
    let volts: Vec<f64> = (0..rows).map(|i| i as f64 * 0.01 - 0.1).collect();
    let solved = solve(Grid { cols, siemens: &g }, Wires { row: 0.0, col: 0.0 }, Driven::Rows(&volts)).unwrap();
    for (col, got) in solved.lines.iter().enumerate() {
        let want: f64 = (0..rows).map(|row| volts[row] * g[row * cols + col]).sum();
        assert!((got - want).abs() < 1e-15 * rows as f64 * 0.1 * 1e-4 * 1e4, "{got:e} {want:e}");
        close(*got, want, 1e-10);
    }
    let g: Vec<f32> = g.iter().map(|g| *g as f32).collect();
    let mut seen = vec![0.0; g.len()];
    assert_eq!(attenuate(&g, cols, 0.0, 0.0, &mut seen), 0.0);
    assert_eq!(seen, g);
}

#[test]
fn both_directions_see_the_same_conductances() {
    let g = pseudo_random_grid(9, 14, (1e-6, 1e-4), 4);
    let (grid, wires) = (Grid { cols: 14, siemens: &g }, Wires { row: 70.0, col: 30.0 });
    let seen = transfer(grid, wires).unwrap();
    let u: Vec<f64> = (0..14).map(|j| 0.1 - 0.01 * j as f64).collect();
    let back = solve(grid, wires, Driven::Columns(&u)).unwrap();
    for (row, got) in back.lines.iter().enumerate() {
        let want: f64 = (0..14).map(|col| u[col] * seen[row * 14 + col]).sum();
        assert!((got - want).abs() < 1e-12 * 1e-4, "{got:e} {want:e}");
    }
}

/// The bound that docs/array.md states: a quarter of e squared, for each conductance, in units of the largest; with stuck and open
/// devices, long and square arrays, rows and columns of different resistance.
#[test]
fn the_approximation_stays_within_its_bound() {
    for (rows, cols) in [(1, 40), (40, 1), (16, 16), (65, 32), (24, 100), (64, 64)] {
        for (range, faults) in [((1e-6, 1e-5), false), ((1e-7, 1e-5), true), ((9e-6, 1e-5), false)] {
            for (row, col) in [(1.0, 1.0), (3.0, 0.5), (0.0, 2.0)] {
                let mut g = pseudo_random_grid(rows, cols, range, 7);
                if faults {
                    (0..g.len()).step_by(11).for_each(|cell| g[cell] = [0.0, 1e-5][cell % 2]);
                }
                let narrow: Vec<f32> = g.iter().map(|g| (*g / 1e-5) as f32).collect();
                let mut seen = vec![0.0f32; g.len()];
                for load in [0.01f32, 0.1, 0.3, 1.0] {
                    // Ohms that bring the largest e to the load.
                    let unit = attenuate(&narrow, cols, row, col, &mut seen);
                    let scale = load / unit;
                    let e = attenuate(&narrow, cols, row * scale, col * scale, &mut seen);
                    assert!((e / load - 1.0).abs() < 1e-4);
                    let ohms = f64::from(scale) / 1e-5;
                    let wires = Wires { row: f64::from(row) * ohms, col: f64::from(col) * ohms };
                    let exact = transfer(Grid { cols, siemens: &g }, wires).unwrap();
                    let worst = exact
                        .iter()
                        .zip(&seen)
                        .map(|(exact, seen)| (exact / 1e-5 - f64::from(*seen)).abs())
                        .fold(0.0, f64::max);
                    let bound = 0.25 * f64::from(e) * f64::from(e) + 1e-5;
                    assert!(worst < bound, "{rows}x{cols} {range:?} {row} {col}, e {e}: {worst:e} of {bound:e}");
                }
            }
        }
    }
}

fn design(device: &str, ohms: f64) -> Design {
    let text = format!(
        "name = \"net\"\n[network]\ninputs = 30\nlayers = [{{ outputs = 20, activation = \"tanh\" }}]\n\
         [array]\nadc_bits = 14\n[array.nonideal]\nwire_row = {ohms}\nwire_column = {}\n[device]\n{device}\n\
         [data]\ncsv = \"none.csv\"\n",
        1.5 * ohms
    );
    spec::parse(&text, "net.toml", Path::new("")).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

/// Reads of a crossbar in both directions, with its reference devices or pairs, against the exact circuit.
#[test]
fn reads_of_a_crossbar_are_those_of_the_circuit() {
    // Ohms that cost a few per cent of each.
    for (device, ohms) in [
        ("model = \"constant_step\"\ng_min = 1e-6\ng_max = 1e-4\nw_max_dtod = 0.0\nw_min_dtod = 0.0", 1.5),
        (
            "model = \"soft_bounds\"\nsigned = \"differential\"\ng_min = 1e-6\ng_max = 1e-4\nw_max_dtod = 0.0\nw_min_dtod = 0.0",
            1.5,
        ),
        ("model = \"pcm\"\ng_min = 1e-6\ng_max = 1e-4", 1.5),
        ("model = \"vteam\"", 0.4),
    ] {
        let design = design(device, ohms);
        let (layer, (rows, cols)) = (&design.layers[0], (31, 20));
        let mut array = Crossbar::new(&design, 0, layer).unwrap();
        let states: Vec<i32> = (0..(rows * cols) as i64)
            .map(|i| (max_code(design.device.state_bits) * (i * 7919 % 1201 - 600) / 1000) as i32)
            .collect();
        array.load(&states);
        let cells = design.device.model.memristors(layer.geometry(&design), memrtl::device::Noise::new(1, 0));
        let (devices, scale) = cells.unwrap().map(|cells| (cells.devices(), cells.scale())).expect("memristors");
        let single = devices == 1;
        // The circuit's lines: with a reference column and a reference row where weights have one device.
        let (lines, width) = if single { (rows + 1, cols + 1) } else { (rows, cols) };
        let wires = Wires { row: ohms, col: 1.5 * ohms };
        let planes: Vec<Vec<f64>> = (0..devices)
            .map(|device| {
                let g: Vec<f64> = (0..lines * width)
                    .map(|i| match (i / width, i % width) {
                        (row, col) if row < rows && col < cols => {
                            array.conductance(CellAddress { device, row, col }).unwrap()
                        }
                        _ => scale.reference,
                    })
                    .collect();
                transfer(Grid { cols: width, siemens: &g }, wires).unwrap()
            })
            .collect();
        let seen = |row: usize, col: usize| planes[0][row * width + col];
        let weight = |row: usize, col: usize, reference: f64| match single {
            true => (seen(row, col) - reference) / scale.span,
            false => (seen(row, col) - planes[1][row * width + col]) / scale.span,
        };
        let half = 2f64.powi(design.device.state_bits as i32 - 1);
        let plain = Crossbar::perfect(&design, 0, layer).map(|mut clean| {
            clean.load(&states);
            clean.weights()
        });
        let plain = plain.unwrap();

        let x: Vec<i32> = (0..31).map(|i| i * 37 % 21 - 10).collect();
        let mut codes = Vec::new();
        array.read_forward(&x, &mut codes).unwrap();
        let gain = half / 2f64.powi(layer.shifts.forward as i32);
        let mut off = 0.0f64;
        for (col, code) in codes.iter().enumerate() {
            let sum =
                |weight: &dyn Fn(usize) -> f64| (0..rows).map(|r| f64::from(x[r]) * weight(r)).sum::<f64>() * gain;
            let want = sum(&|row| weight(row, col, if single { seen(row, cols) } else { 0.0 }));
            let ideal = sum(&|row| f64::from(plain[row * cols + col]));
            off = off.max((want - ideal).abs());
            // The approximation's error is a tenth of what it is there for, and half a code is rounding.
            assert!(
                (want - f64::from(*code)).abs() < 0.5 + 0.1 * (want - ideal).abs() + 1.0,
                "{device}, column {col}: {code} {want} {ideal}"
            );
        }
        assert!(off > 8.0, "{device}: wires that matter, {off}");

        let u: Vec<i32> = (0..20).map(|i| i * 53 % 15 - 7).collect();
        array.read_transposed(&u, &mut codes).unwrap();
        let gain = half / 2f64.powi(layer.shifts.backward as i32);
        for (row, code) in codes.iter().enumerate() {
            let sum =
                |weight: &dyn Fn(usize) -> f64| (0..cols).map(|c| f64::from(u[c]) * weight(c)).sum::<f64>() * gain;
            let want = sum(&|col| weight(row, col, if single { seen(rows, col) } else { 0.0 }));
            let ideal = sum(&|col| f64::from(plain[row * cols + col]));
            assert!(
                (want - f64::from(*code)).abs() < 0.5 + 0.1 * (want - ideal).abs() + 1.0,
                "{device}, row {row}: {code} {want} {ideal}"
            );
        }
    }
}

#[test]
fn circuits_that_cannot_be_are_refused() {
    let wires = Wires { row: 1.0, col: 1.0 };
    let bad = [1e-6, -1e-6, 1e-6, 1e-6];
    let refused = solve(Grid { cols: 2, siemens: &bad }, wires, Driven::Rows(&[1.0; 2]));
    assert_eq!(refused, Err(WiresError::Conductance { row: 0, col: 1, value: -1e-6 }));
    let bad = [1e-6, 1e-6, f64::NAN, 1e-6];
    let refused = solve(Grid { cols: 2, siemens: &bad }, wires, Driven::Rows(&[1.0; 2]));
    assert!(matches!(refused, Err(WiresError::Conductance { row: 1, col: 0, .. })));
    let negative = Wires { row: 1.0, col: -2.0 };
    let refused = solve(Grid { cols: 2, siemens: &[1e-6; 4] }, negative, Driven::Rows(&[1.0; 2]));
    assert_eq!(refused, Err(WiresError::Resistance(-2.0)));
    // No drive, no current.
    let still = solve(Grid { cols: 2, siemens: &[1e-6; 4] }, wires, Driven::Rows(&[0.0; 2])).unwrap();
    assert_eq!(still.lines, [0.0; 2]);
}

#[test]
fn the_command_prints_and_draws() {
    let dir = tempfile::tempdir().unwrap();
    let memrtl = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_memrtl"));
        let output = command.arg("wires").args(args).arg("--out").arg(dir.path()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, table, stderr) = memrtl(&["--rows", "24", "--cols", "16", "--r-wire", "5", "--r-column", "2"]);
    assert_eq!(code, Some(0), "{stderr}");
    let sizes: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(sizes[..7], ["3x2", "6x4", "9x6", "12x8", "15x10", "18x12", "24x16"], "{table}");
    let svg = std::fs::read_to_string(dir.path().join("wires.svg")).unwrap();
    roxmltree::Document::parse(&svg).unwrap();
    // The same bytes again, over its own picture; a file of someone else stays.
    assert_eq!(memrtl(&["--rows", "24", "--cols", "16", "--r-wire", "5", "--r-column", "2"]).1, table);
    assert_eq!(std::fs::read_to_string(dir.path().join("wires.svg")).unwrap(), svg);
    std::fs::write(dir.path().join("wires.svg"), "mine").unwrap();
    assert_eq!(memrtl(&["--rows", "8"]).0, Some(1));
    assert_eq!(std::fs::read_to_string(dir.path().join("wires.svg")).unwrap(), "mine");
    let (code, table, _) = memrtl(&["--rows", "8", "--cols", "8", "--r-wire", "0"]);
    assert!(code == Some(0) && table.contains("nothing to draw"), "{table}");
    for (args, word) in [
        (["--r-wire", "-1"], "allowed: 0 to 1000000 ohm"),
        (["--r-wire", "nan"], "allowed: 0 to 1000000 ohm"),
        (["--g-min", "-1e-6"], "allowed: 0 to 1 S"),
        (["--g-min", "1e-4"], "is not below --g-max"),
        (["--rows", "0"], "1..=4096"),
    ] {
        let (code, _, stderr) = memrtl(&args);
        assert!(code != Some(0) && stderr.contains(word), "{args:?}: {stderr}");
    }
}

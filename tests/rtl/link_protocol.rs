//! The bridge's protocol, frame by frame, on a simulated board without a terminal; and mutants of the bridge, each of which the
//! same checks have to find.

use crate::common;
use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use crate::common::{Rig, Small, mutated, on_all_cores};
use memrtl::golden::{Machine as Golden, Mode, SampleTrace, encode};
use memrtl::host::{Board, HostError, Line, Link, Machine, Patience, Reply, Request, Status, Weights};
use memrtl::regmap::RegMap;
use memrtl::rtl::Rtl;
use memrtl::spec::Backend;
use verilated::Profile;

/// Bits of idle line that a request of these tests takes at most, in slices of [`Board::exchange`].
const SLICES: usize = 3;

fn rig() -> Rig {
    Small::default().rig(Backend::Emulated)
}

fn board(rtl: &Rtl) -> Board {
    let library = Board::build(rtl, Profile::QuickBuild, Some(common::model_cache())).unwrap_or_else(|e| panic!("{e}"));
    Board::new(&library, 1).unwrap()
}

/// A board with the names of its registers.
struct Bench {
    board: Board,
    registers: RegMap,
}

impl Bench {
    fn new(rig: &Rig, rtl: &Rtl) -> Bench {
        Bench { board: board(rtl), registers: RegMap::for_design(&rig.design) }
    }

    fn address(&self, register: &str) -> u32 {
        self.registers.addr(register).unwrap()
    }

    /// What comes back within a while.
    fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut received = self.board.exchange(bytes).unwrap();
        (0..SLICES).for_each(|_| received.extend(self.board.exchange(&[]).unwrap()));
        received
    }

    /// The reply to a request: it, and nothing else, must come.
    fn ask(&mut self, seq: u8, request: &Request) -> Reply {
        let frame = request.frame(seq);
        let received = self.send(&frame);
        assert_eq!(received.len(), request.reply_len(), "{request:?}: {received:02x?}");
        request.find_reply(&frame, &received).unwrap_or_else(|| panic!("{request:?}: {received:02x?}"))
    }

    fn read(&mut self, seq: u8, register: &str) -> u32 {
        let reply = self.ask(seq, &Request::Read { address: self.address(register), words: 1, fixed: false });
        assert_eq!(reply.status, Status::Done, "{register}");
        reply.words[0]
    }

    fn write(&self, register: &str, words: &[u32]) -> Request {
        Request::Write { address: self.address(register), words: words.to_vec(), fixed: false }
    }
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    crc::Crc::<u16>::new(&crc::CRC_16_MCRF4XX).checksum(bytes).to_le_bytes()
}

const NOTHING: [u8; 0] = [];
const DONE: Reply = Reply { status: Status::Done, words: Vec::new() };

/// Bursts, refused accesses, unknown requests.
fn registers_are_read_and_written(b: &mut Bench) {
    let identity: Vec<u32> = b.registers.registers[..7].iter().map(|r| r.reset()).collect();
    let burst = Request::Read { address: 0, words: 7, fixed: false };
    assert_eq!(b.ask(1, &burst).words, identity);
    let same = Request::Read { address: 0, words: 3, fixed: true };
    assert_eq!(b.ask(2, &same).words, [identity[0]; 3]);
    assert_eq!(b.ask(3, &b.write("LEARNING_RATE", &[0x1234])), DONE);
    assert_eq!(b.read(4, "LEARNING_RATE"), 0x1234);
    assert_eq!(b.ask(5, &b.write("WEIGHT_LAYER", &[1, 2, 1])), DONE);
    let address = Request::Read { address: b.address("WEIGHT_LAYER"), words: 3, fixed: false };
    assert_eq!(b.ask(6, &address).words, [1, 2, 1]);
    // Single words of a longer burst: ascending through the cells.
    let cells =
        Request::Write { address: b.address("WEIGHT_DATA"), words: vec![0x0102, 0xffff_fffe, 0x0304], fixed: true };
    assert_eq!(b.ask(7, &cells), DONE);
    assert_eq!(b.ask(8, &b.write("WEIGHT_LAYER", &[1, 2, 1])), DONE);
    let cells = Request::Read { address: b.address("WEIGHT_DATA"), words: 3, fixed: true };
    assert_eq!(b.ask(9, &cells).words, [0x0102, 0xffff_fffe, 0x0304]);
    // Read-only, out of range, no such address; the words before an error count.
    assert_eq!(b.ask(10, &b.write("ID", &[0])).status, Status::Refused);
    assert_eq!(b.ask(11, &b.write("WEIGHT_LAYER", &[99])).status, Status::Refused);
    let hole = Request::Read { address: 0x018, words: 2, fixed: false };
    let reply = b.ask(12, &hole);
    assert_eq!((reply.status, reply.words[0]), (Status::Refused, identity[6]));
    assert_eq!(b.read(13, "ID"), identity[0], "an error is over with its request");
    // Operation 3, and half a beat.
    for (seq, op) in [(14, 0xc0), (15, 0x80)] {
        let request = Request::Write { address: 0, words: vec![7], fixed: false };
        let mut frame = request.frame(seq);
        frame[3] = op;
        let crc = checksum(&frame[1..10]);
        frame[10..].copy_from_slice(&crc);
        let received = b.send(&frame);
        assert_eq!(request.find_reply(&frame, &received).map(|r| r.status), Some(Status::Unknown), "{received:02x?}");
    }
}

/// A request is done once, however often it comes, and its reply comes each time.
fn repetitions_are_not_executed(b: &mut Bench) {
    assert_eq!(b.ask(1, &b.write("WEIGHT_LAYER", &[0, 0, 0])), DONE);
    let cell = Request::Write { address: b.address("WEIGHT_DATA"), words: vec![5], fixed: true };
    for _ in 0..3 {
        assert_eq!(b.ask(2, &cell), DONE);
    }
    assert_eq!(b.read(3, "WEIGHT_COL"), 1);
    let read = Request::Read { address: b.address("WEIGHT_DATA"), words: 1, fixed: true };
    let first = b.ask(4, &read);
    // A broken frame in between does not cost the stored reply.
    let mut broken = b.write("LEARNING_RATE", &[1, 2, 3]).frame(5);
    broken[8] ^= 0x10;
    assert_eq!(b.send(&broken), NOTHING);
    assert_eq!(b.ask(4, &read), first);
    assert_eq!(b.read(5, "WEIGHT_COL"), 2);
    // The first request of a session is executed whatever came before.
    let [id, version] = ["ID", "VERSION"].map(|name| b.registers.register(name).unwrap().reset());
    assert_eq!((b.read(0, "ID"), b.read(0, "VERSION")), (id, version));
}

/// No bit of a frame can be wrong without the frame being dropped, and the next one is understood.
fn broken_frames_do_nothing(b: &mut Bench) {
    assert_eq!(b.ask(1, &b.write("LEARNING_RATE", &[100])), DONE);
    let frame = b.write("LEARNING_RATE", &[200]).frame(2);
    for bit in 0..8 * frame.len() {
        let mut broken = frame.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let received = b.board.exchange(&broken).unwrap();
        // A wrong length makes the parser wait for more: as many zeros as the longest frame has bytes end that.
        let flushed = b.send(&[0; 256]);
        assert!(received.is_empty() && flushed.is_empty(), "bit {bit}: {received:02x?} {flushed:02x?}");
    }
    for cut in 1..frame.len() {
        b.board.exchange(&frame[..cut]).unwrap();
        assert_eq!(b.send(&[0; 256]), NOTHING, "cut after {cut}");
    }
    // Garbage in front, the start byte among it, and a frame that promises less than a header.
    let [low, high] = checksum(&[3]);
    for garbage in [&[0xff, 0x00, 0x5a][..], &[0xa5, 0x03, low, high], &[0xa5, 0x07]] {
        b.board.exchange(garbage).unwrap();
        assert_eq!(b.send(&[0; 256]), NOTHING, "{garbage:02x?}");
    }
    assert_eq!(b.read(3, "LEARNING_RATE"), 100);
    // A line break, and a line that is idle for long, end a frame as well.
    b.board.exchange(&frame[..5]).unwrap();
    b.board.line_break();
    assert_eq!(b.read(4, "LEARNING_RATE"), 100);
    b.board.exchange(&frame[..5]).unwrap();
    // 2^17 bits, in slices of 2000.
    (0..70).for_each(|_| assert_eq!(b.board.exchange(&[]).unwrap(), NOTHING));
    assert_eq!(b.read(5, "LEARNING_RATE"), 100);
}

/// A machine that takes nothing and gives nothing ends in a status, and works after a reset.
fn a_stalled_stream_ends(b: &mut Bench) {
    let ends = |b: &mut Bench, seq: u8, request: Request| {
        let frame = request.frame(seq);
        let mut received = b.board.exchange(&frame).unwrap();
        (0..75).for_each(|_| received.extend(b.board.exchange(&[]).unwrap()));
        request.find_reply(&frame, &received).map(|reply| reply.status)
    };
    // Three samples of one beat: two wait in the machine, which does not run.
    let beats = Request::Stream { beats: vec![1, 2, 3, 4], packet: 1, take: 0 };
    assert_eq!(ends(b, 1, beats), Some(Status::Timeout));
    assert_eq!(b.ask(2, &b.write("COMMAND", &[1])), DONE);
    assert_eq!(b.read(3, "STATUS") & 1, 0);
    let output = Request::Stream { beats: vec![1], packet: 1, take: 1 };
    assert_eq!(ends(b, 4, output), Some(Status::Timeout));
    assert_eq!(b.ask(5, &b.write("COMMAND", &[1])), DONE);
    assert_eq!(b.read(6, "STATUS") & 1, 0);
}

/// A board as a line that loses every `lossy`-th request and every `lossy + 1`-th reply.
struct Direct {
    board: Rc<RefCell<Board>>,
    lossy: usize,
    sent: usize,
    waiting: Vec<u8>,
}

impl Line for Direct {
    fn name(&self) -> &str {
        "the board"
    }

    fn baud(&self) -> u32 {
        1_000_000
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sent += 1;
        let lost = |every: usize| self.lossy > 0 && self.sent.is_multiple_of(every);
        let (no_request, no_reply) = (lost(self.lossy), lost(self.lossy + 1));
        let mut board = self.board.borrow_mut();
        let bytes = if no_request { &bytes[..bytes.len() - 1] } else { bytes };
        let mut received = board.exchange(bytes).unwrap();
        // Three samples take longer than their bytes.
        (0..SLICES).for_each(|_| received.extend(board.exchange(&[]).unwrap()));
        self.waiting = if no_reply { Vec::new() } else { received };
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        if self.waiting.is_empty() {
            std::thread::sleep(wait);
        }
        let count = self.waiting.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.waiting[..count]);
        self.waiting.drain(..count);
        Ok(count)
    }
}

/// Training and inference through the link, with requests and replies that are lost: outputs and weights are golden's.
fn training_is_goldens(rig: &Rig, board: Board) {
    let line = Direct { board: Rc::new(RefCell::new(board)), lossy: 4, sent: 0, waiting: Vec::new() };
    let link = Link::new(Box::new(line), Patience { wait: Duration::from_millis(5), attempts: 4 });
    let mut machine = Machine::connect(link, &rig.design).unwrap_or_else(|e| panic!("{e}"));
    let mut golden = Golden::new(&rig.design).unwrap();
    Weights::initial(&rig.design).write(&mut machine).unwrap_or_else(|e| panic!("{e}"));
    let data = &rig.data;
    let class = |index: usize| usize::from(data.labels[index]);
    let mut trace = SampleTrace::default();
    machine.start(Mode::Train).unwrap_or_else(|e| panic!("{e}"));
    let all: Vec<usize> = (0..20).collect();
    let at_once = machine.at_once(Mode::Train);
    assert!(at_once > 3, "several packets in a request: {at_once}");
    for group in all.chunks(at_once) {
        let samples: Vec<(&[f32], usize)> = group.iter().map(|&i| (data.sample(i), class(i))).collect();
        machine.train(&samples).unwrap_or_else(|e| panic!("{e}"));
        for &i in group {
            let (x, t) =
                (encode::input_codes(&rig.design, data.sample(i)), encode::target_codes(&rig.design, class(i)));
            golden.run(&x, &t, Mode::Train, &mut trace).unwrap();
        }
    }
    machine.stop(Mode::Train, 0, 20).unwrap_or_else(|e| panic!("{e}"));
    machine.start(Mode::Infer).unwrap_or_else(|e| panic!("{e}"));
    for pair in all.chunks(machine.at_once(Mode::Infer)) {
        let samples: Vec<&[f32]> = pair.iter().map(|&i| data.sample(i)).collect();
        let outputs = machine.infer(&samples).unwrap_or_else(|e| panic!("{e}"));
        for (&i, output) in pair.iter().zip(outputs) {
            let x = encode::input_codes(&rig.design, data.sample(i));
            golden.run(&x, &[], Mode::Infer, &mut trace).unwrap();
            assert_eq!(output, trace.output(), "sample {i}");
        }
    }
    machine.stop(Mode::Infer, 20, 20).unwrap_or_else(|e| panic!("{e}"));
    for layer in 0..rig.design.layers.len() {
        let states = machine.read_states(layer).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(states, golden.states(layer), "layer {layer}");
    }
    assert!(machine.retries() > 3);
}

/// All of it, on a board that has just been switched on each time.
fn everything(rig: &Rig, rtl: &Rtl) {
    let checks =
        [registers_are_read_and_written, repetitions_are_not_executed, broken_frames_do_nothing, a_stalled_stream_ends];
    for check in checks {
        check(&mut Bench::new(rig, rtl));
    }
    training_is_goldens(rig, board(rtl));
}

#[test]
fn the_bridge_does_what_its_header_says() {
    let rig = rig();
    everything(&rig, &Rtl::with_link(&rig.design).unwrap());
}

#[test]
fn a_machine_of_another_version_or_none_is_refused() {
    let rig = rig();
    let rtl = Rtl::with_link(&rig.design).unwrap();
    let connect = |rtl: &Rtl| {
        let line = Direct { board: Rc::new(RefCell::new(board(rtl))), lossy: 0, sent: 0, waiting: Vec::new() };
        Machine::connect(Link::new(Box::new(line), Patience::default()), &rig.design).map(|_| ())
    };
    connect(&rtl).unwrap();
    let id = rtl.modules.iter().find(|m| m.name == "little_csr").unwrap();
    let constant = |value: &str| {
        let line = id.text.lines().find(|line| line.contains(value)).unwrap_or_else(|| panic!("{value}"));
        line.to_string()
    };
    let changed = |line: String, from: &str, to: &str| {
        let mut rtl = rtl.clone();
        let module = rtl.modules.iter_mut().find(|m| m.name == "little_csr").unwrap();
        module.text = module.text.replace(&line, &line.replace(from, to));
        rtl
    };
    let other = changed(constant("4d52544c"), "4d52544c", "4d52544d");
    assert!(matches!(connect(&other), Err(HostError::NoMachine { found: 0x4d52_544d, .. })), "{:?}", connect(&other));
}

/// Mutants of the bridge: name, what is there, what stands there instead.
const MUTANTS: [(&str, &str, &str); 16] = [
    ("checksum ignored", "wire good        = crc_q == 16'd0 &&", "wire good        = 1'b1 &&"),
    ("frame shorter than a header", "&& len_q != 6'd0;", "&& 1'b1;"),
    ("repetition executed", "rd_byte[3:0] == seq_q && seq_q != 4'd0", "1'b0"),
    (
        "first request of a session taken for a repetition",
        "rd_byte[3:0] == seq_q && seq_q != 4'd0",
        "rd_byte[3:0] == seq_q",
    ),
    ("bytes of words in another order", "beat_q <= {rd_byte, beat_q[63:8]};", "beat_q <= {beat_q[55:0], rd_byte};"),
    (
        "last word lost",
        "wire consumed    = rd_ptr_q[7:2] == len_q;",
        "wire consumed    = rd_ptr_q[7:2] + 6'd1 == len_q;",
    ),
    (
        "last word of the reply lost",
        "wire replied     = wr_ptr_q[7:2] == words_q;",
        "wire replied     = wr_ptr_q[7:2] + 6'd1 >= words_q;",
    ),
    ("addresses always ascending", "!op_q[1] && !fixed_q &&", "!op_q[1] &&"),
    ("end of packet one beat late", "packet_q == addr_q[4:0]", "packet_q - 5'd1 == addr_q[4:0]"),
    ("end of packet once per frame", "m_axis_tlast ? 5'd1 :", "m_axis_tlast ? 5'd0 :"),
    ("refused write not told", "!op_q[1] && m_axil_bresp[1] ? REFUSED : OK", "!op_q[1] && m_axil_bresp[1] ? OK : OK"),
    ("break ignored", "if (rx_error || expired) ", "if (expired) "),
    ("idle line ignored", "if (rx_error || expired) ", "if (rx_error) "),
    ("stalled stream waits for ever", "status_d = expired ? TIMEOUT : OK;", "status_d = OK;"),
    ("a word of a beat twice", "3'd4:    beat_byte = s_axis_tdata[15:8];", "3'd4:    beat_byte = s_axis_tdata[23:16];"),
    ("checksum of another polynomial", "16'h8408", "16'h8404"),
];

#[test]
fn mutants_of_the_bridge_are_found() {
    let rig = rig();
    let rtl = Rtl::with_link(&rig.design).unwrap();
    // Expected panics say nothing of interest.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let survivors = std::sync::Mutex::new(Vec::new());
    on_all_cores(&MUTANTS, |(name, from, to)| {
        let mutant = mutated(&rtl, &[("bridge", from, to)]);
        let library = Board::build(&mutant, Profile::QuickBuild, Some(common::model_cache()));
        // A mutant that does not compile would be found by nobody's merit.
        library.unwrap_or_else(|e| panic!("{name}: {e}"));
        if catch_unwind(AssertUnwindSafe(|| everything(&rig, &mutant))).is_ok() {
            survivors.lock().unwrap().push(*name);
        }
    });
    std::panic::set_hook(hook);
    assert_eq!(survivors.into_inner().unwrap(), Vec::<&str>::new(), "nobody noticed");
}

#!/usr/bin/env python3
"""Writes tests/golden/tokens_random.json: ids of random Unicode strings under the reference tokenizer.

Needs, in an environment of its own: transformers==4.26.0 tokenizers==0.13.3 huggingface_hub==0.12.1
ftfy==6.1.1 regex, and .deps/clip from scripts/fetch-clip-vocabulary. Strings use characters that
Unicode 14 knows, so that newer tables give the same answer.

  make_token_golden.py                        writes the golden file (2,000 strings)
  make_token_golden.py --count N --seed S --check PROGRAM
                                              compares N strings with a program that reads JSON
                                              strings, one per line, and prints lists of ids; it
                                              gets "sd1" or "sd2" as its argument
"""

import argparse
import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
MERGES = ROOT / ".deps/clip/bpe_simple_vocab_16e6.txt.gz"
TARGET = ROOT / "tests/golden/tokens_random.json"

WORDS = """a photo of the cat dogs portrait masterpiece, best quality (detailed) 8k don't it's we'll I'VE
café naïve Straße ŒUVRE façade ÎLE Ærø ΣΊΣΥΦΟΣ ὈΔΥΣΣΕΎΣ Москва İstanbul ﬁnal ŉ ＦＵＬＬ ｶﾞｷﾞ 東京 写真 한국어
สวัสดี नमस्ते مرحبا שלום ½ ² Ⅷ ① 🙂 👩‍🚀 🏳️‍🌈 <b> </b> &amp; &eacute; &EACUTE; &#233; &#x1F600; &#128; &lt;
&notit; &AMP &nbsp; <|endoftext|> <|StartOfText|> “quoted” ‘single’ … — -- !!! !? ... "it" 'ſ ſt
schÃ¶n â€œquoteâ€ Ã©tÃ© voilÃ  Â© donâ€™t ÐŸÑ€Ð¸Ð²ÐµÑ‚ ðŸ™‚ ‚Äî √© Ã Å¡ РїСЂРёРІРµС‚ à² fianc├⌐""".split(" ")
BLOCKS = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x17F), (0x0, 0xFF), (0x2B0, 0x36F), (0x370, 0x52F),
          (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xEFF), (0x1E00, 0x1FFF), (0x2000, 0x22FF),
          (0x2460, 0x25FF), (0x2E80, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF),
          (0xFB00, 0xFDFF), (0xFE00, 0xFFFD), (0x1F130, 0x1F1FF), (0x1F300, 0x1FAFF), (0, 0x10FFFF)]
MISREADINGS = ["latin-1", "windows-1252", "windows-1251", "windows-1250", "windows-1253",
               "windows-1254", "iso-8859-2", "mac-roman", "cp437"]


def character(rng):
    low, high = rng.choice(BLOCKS)
    while True:
        c = chr(rng.randint(low, high))
        # Unassigned characters and surrogates have no stable meaning.
        if unicodedata.category(c) not in ("Cn", "Cs"):
            return c


def misread(rng, text):
    try:
        return text.encode("utf-8").decode(rng.choice(MISREADINGS), rng.choice(["strict", "replace"]))
    except UnicodeDecodeError:
        return text


def string(rng):
    kind = rng.randrange(6)
    if kind == 0:  # any characters
        text = "".join(character(rng) for _ in range(rng.randint(1, 16)))
    elif kind == 1:  # characters of one or two blocks, in words
        blocks = rng.sample(BLOCKS, 2)
        picked = [chr(rng.randint(*rng.choice(blocks))) for _ in range(rng.randint(1, 20))]
        picked = [c for c in picked if unicodedata.category(c) not in ("Cn", "Cs")]
        text = "".join(c + (" " if rng.random() < 0.15 else "") for c in picked)
    else:  # words, joined in many ways
        joints = [" ", " ", " ", ", ", "", "\n", "\t", "\u00a0", "\u3000", "\r\n", "!", "\u200d", "."]
        words = [rng.choice(WORDS) if rng.random() < 0.8 else character(rng)
                 for _ in range(rng.randint(1, 8))]
        text = "".join(word + rng.choice(joints) for word in words)
    if rng.random() < 0.2:
        text = text.upper() if rng.random() < 0.5 else unicodedata.normalize("NFD", text)
    if rng.random() < 0.15:
        text = misread(rng, text)
    return text


def reference_tokenizers():
    from transformers import CLIPTokenizer

    merges = gzip.open(MERGES, "rt", encoding="utf-8").read().split("\n")[1:48894 + 1]
    order = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(b) for b in order] + [chr(256 + i) for i in range(256 - len(order))]
    tokens = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, merge_file = pathlib.Path(folder, "vocab.json"), pathlib.Path(folder, "merges.txt")
        vocabulary.write_text(json.dumps({t: i for i, t in enumerate(tokens)}), encoding="utf-8")
        merge_file.write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
        sd1 = CLIPTokenizer(str(vocabulary), str(merge_file))
        sd2 = CLIPTokenizer(str(vocabulary), str(merge_file), pad_token="!")
    # Loading from a folder registers the special tokens as tokens that are never split.
    for tokenizer in (sd1, sd2):
        tokenizer.sanitize_special_tokens()
    return {"sd1": sd1, "sd2": sd2}


def ids(tokenizer, text):
    return tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))


def check(program, texts, tokenizers):
    wrong = 0
    for family, tokenizer in tokenizers.items():
        lines = "".join(json.dumps(text) + "\n" for text in texts)
        answer = subprocess.run([program, family], input=lines, capture_output=True, text=True,
                                check=True).stdout.splitlines()
        for text, line in zip(texts, answer, strict=True):
            wanted = ids(tokenizer, text)
            if json.loads(line) != wanted:
                wrong += 1
                print(f"{family} {text!a}\n  wanted {wanted}\n  got    {line}")
    print(f"{len(texts)} strings, {wrong} differ")
    return wrong


def write_golden(texts, tokenizers):
    lines = []
    for text in texts:
        case = {"text": text, "ids": ids(tokenizers["sd1"], text)}
        padded_with_mark = ids(tokenizers["sd2"], text)
        if padded_with_mark != case["ids"]:
            case["ids_sd2"] = padded_with_mark
        lines.append(json.dumps(case, separators=(",", ":"), ensure_ascii=True))
    TARGET.write_text('{"format":1,"cases":[\n' + ",\n".join(lines) + "\n]}\n", encoding="ascii")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", metavar="PROGRAM")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts = [string(rng) for _ in range(options.count)]
    tokenizers = reference_tokenizers()
    if options.check:
        sys.exit(check(options.check, texts, tokenizers) > 0)
    write_golden(texts, tokenizers)


if __name__ == "__main__":
    main()

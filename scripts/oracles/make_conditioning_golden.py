#!/usr/bin/env python3
"""Writes tests/golden/conditioning.json: what the network listens to for 300 prompts of both dialects.

Needs torch 2.13 and transformers 5.23; no model files beyond models/demo/tokenizer. About a minute.
Prompts are made together with their meaning (nothing here parses), and the meaning is turned into
tensors by the formulas of the manuals over transformers' CLIPTextModel. Its weights follow the formula
of make_nn_golden.py. Of each context [77 W, 16] only 16 numbers are kept: products with the fixed
matrix uniform("projection", [16, 77 W 16]) / 4.
"""

import json
import math
import pathlib
import random

import numpy as np
import torch
from make_nn_golden import fill, uniform
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests/golden/conditioning.json"
CONFIG = dict(
    vocab_size=943, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
    max_position_embeddings=77, hidden_act="quick_gelu", layer_norm_eps=1e-5,
    bos_token_id=941, eos_token_id=942, pad_token_id=942,
)
BOS, EOS, ROOM = 941, 942, 75
WORDS = ("a an the on at in red green blue yellow purple pink white black orange cyan circle square triangle star "
         "heart diamond ring cross moon flower big small left right top bottom background forest castle of glass").split()
STEPS = 10


# Meanings. A fragment is (words, weight, visibility); a text is a list of fragments, swaps
# ("swap", original, edited, options) and breaks ("break",).

def shown(visible, step, steps):
    for kind, a, b in visible:
        if kind == "turn":
            if step % b != a:
                return False
        else:
            border = int(a * steps) if a < 1 else int(a)
            if (kind == "until") != (step < border):
                return False
    return True


def flatten(text, step, edited=False):
    """[(piece, block, swapped, words, weight)]"""
    out, block = [], 0
    for piece, item in enumerate(text):
        if item[0] == "break":
            block += 1
        elif item[0] == "swap":
            out += [(piece, block, True, words, weight) for words, weight, _ in item[2 if edited else 1]]
        elif shown(item[2], step, STEPS):
            out.append((piece, block, False, item[0], item[1]))
    return out


class Reference:
    def __init__(self):
        self.tokenizer = CLIPTokenizer.from_pretrained(str(ROOT / "models/demo/tokenizer"))
        self.model = fill(CLIPTextModel(CLIPTextConfig(**CONFIG)), "text_model.")
        self.comma = self.ids(",")[0]
        self.cache = {}

    def ids(self, words):
        return self.tokenizer(words, add_special_tokens=False)["input_ids"]

    def z(self, content, empty=False):
        """[77,16] f64 for one window; `empty` has its end marker at the very end."""
        row = (content + [EOS] * (77 - 1 - len(content))) if not empty else [EOS] * 76
        key = tuple([BOS] + row)
        if key not in self.cache:
            self.cache[key] = self.model(torch.tensor([key])).last_hidden_state[0].double()
        return self.cache[key]

    # A window is a list of (id, weight, key); the key says where a token of an unswapped piece stands.

    def windows(self, fragments, rule):
        tokens, count = [], {}
        for piece, block, swapped, words, weight in fragments:
            for i in self.ids(words):
                count[piece] = count.get(piece, 0) + 1
                tokens.append((block, i, weight, None if swapped else (piece, count[piece])))
        cut = 0
        if rule == "truncate":
            cut = max(0, len(tokens) - ROOM)
            tokens = tokens[:ROOM]
            return [[t[1:] for t in tokens]], cut
        if rule == "continue":
            return [[t[1:] for t in tokens[k:k + ROOM]] for k in range(0, max(len(tokens), 1), ROOM)], 0
        done, window, block = [], [], 0
        for b, i, weight, key in tokens:
            while block < b:
                done.append(window)
                window, block = [], block + 1
            if len(window) == ROOM:
                commas = [p for p, t in enumerate(window) if t[0] == self.comma]
                if i != self.comma and commas and ROOM - commas[-1] <= 20:
                    done.append(window[:commas[-1] + 1])
                    window = window[commas[-1] + 1:]
                else:
                    done.append(window)
                    window = []
            window.append((i, weight, key))
        if window or not done:
            done.append(window)
        return done, 0

    def fill_up(self, context, windows):
        return torch.cat([context] + [self.z([])] * (windows - context.shape[0] // 77))

    def encode_plain(self, windows, dialect):
        parts = []
        for window in windows:
            z = self.z([t[0] for t in window])
            w = torch.ones(77, 1, dtype=torch.float64)
            for k, t in enumerate(window):
                w[1 + k] = t[1]
            if dialect == "invoke":
                zero = self.z([], empty=True)
                parts.append(zero + w * (z - zero))
            elif (w == 1).all():
                parts.append(z)
            else:
                parts.append(z * w * z.mean() / (z * w).mean())
        return torch.cat(parts)

    def encode(self, fragments, dialect, rule):
        windows, cut = self.windows(fragments, rule)
        sum_, total = self.encode_plain(windows, dialect), 1.0
        if dialect == "invoke":
            for k, fragment in enumerate(fragments):
                if fragment[4] >= 1:
                    continue
                pull = math.tan((1 - max(fragment[4], 1e-9)) * math.pi / 2)
                others, _ = self.windows(fragments[:k] + fragments[k + 1:], rule)
                sum_ = sum_ + pull * self.fill_up(self.encode_plain(others, dialect), len(windows))
                total += pull
        return sum_ / total, windows, cut


def kept_positions(original, edited):
    """[edited position, original position] of everything both say."""
    at = {t[2]: 77 * w + 1 + k for w, window in enumerate(original) for k, t in enumerate(window) if t[2]}
    kept = []
    for w, window in enumerate(edited):
        if w < len(original):
            kept.append([77 * w, 77 * w])
        kept += [[77 * w + 1 + k, at[t[2]]] for k, t in enumerate(window) if t[2] in at]
        if w < len(original):
            kept.append([77 * w + 1 + len(window), 77 * w + 1 + len(original[w])])
    return kept


def project(context):
    matrix = uniform("projection", [16, context.numel()]).double()
    return [float(f"{v:.7g}") for v in (matrix @ context.flatten() / 4).tolist()]


def golden(reference, case):
    """The record of a case: prompt and what it must become."""
    dialect, rule = case["dialect"], case["long"] if case["dialect"] == "invoke" else "phrases"
    texts = [t for member in case["members"] for t, _ in member["parts"]] + [case["negative_text"]]
    steps = sorted({0} | {
        s for s in range(1, STEPS) for t in texts
        if [shown(f[2], s, STEPS) for f in t if f[0] not in ("swap", "break")]
        != [shown(f[2], s - 1, STEPS) for f in t if f[0] not in ("swap", "break")]
    })
    stages, cuts = [], set()
    for step in steps:
        def encode(text, edited=False):
            context, windows, cut = reference.encode(flatten(text, step, edited), dialect, rule)
            cuts.add(cut)
            return context, windows
        rows, conds = [encode(case["negative_text"])[0]], []
        total = sum(m["weight"] for m in case["members"]) if dialect == "invoke" else 1
        for member in case["members"]:
            cond = dict(weight=member["weight"] / total)
            factors = [g for _, g in member["parts"]]
            scale = sum(factors) if member["normalize"] else 1
            parts = [encode(t)[0] for t, _ in member["parts"]]
            longest = max(p.shape[0] for p in parts) // 77
            rows.append(sum(reference.fill_up(p, longest) * g / scale for p, g in zip(parts, factors)))
            cond["row"] = len(rows) - 1
            text = member["parts"][0][0]
            if any(f[0] == "swap" for f in text):
                context, edited = encode(text, edited=True)
                cond["kept"] = kept_positions(encode(text)[1], edited)
                rows.append(context)
                cond["edited_row"] = len(rows) - 1
            conds.append(cond)
        longest = max(r.shape[0] for r in rows) // 77
        rows = [project(reference.fill_up(r, longest)) for r in rows]
        for cond in conds:
            cond["context"] = rows[cond.pop("row")]
            if "kept" in cond:
                cond["edited"] = rows[cond.pop("edited_row")]
        stages.append(dict(first_step=step, windows=longest, uncond=rows[0], cond=conds))
    cuts.discard(0)
    record = {k: case[k] for k in ("dialect", "long", "prompt", "negative") if case.get(k)}
    return record | dict(stages=stages) | (dict(cut=sorted(cuts)) if cuts else {})


class Maker:
    """Random prompts and what they mean."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def words(self, low=1, high=6, comma=False):
        out = [self.random.choice(WORDS) for _ in range(self.random.randint(low, high))]
        if comma:
            out = [w + "," if self.random.random() < 0.15 else w for w in out]
        return " ".join(out)

    # Each returns (prompt, text). Weights of neighbours differ, since equal ones become one fragment.

    def invoke(self, pieces, swap=False, plain=(1, 6)):
        prompt, text, last = [], [], None
        at = self.random.randrange(pieces) if swap else -1
        for k in range(pieces):
            if k == at:
                a, b = self.words(1, 3), self.words(1, 4)
                prompt.append(f"({a}).swap({b})")
                text.append(("swap", [(a, 1.0, ())], [(b, 1.0, ())]))
                last = None
                continue
            form = self.random.choice(["plain", "plus", "minus", "number", "number", "nested"])
            if form == "plain" and last != 1:
                words, weight = self.words(*plain), 1.0
                prompt.append(words)
            elif form in ("plus", "minus"):
                count = self.random.randint(1, 3)
                words = self.words()
                weight = (1.1 if form == "plus" else 0.9) ** count
                prompt.append(f"({words}){('+' if form == 'plus' else '-') * count}")
            elif form == "nested":
                first, words, outer, inner = self.words(), self.words(), 1.25, self.random.choice([0.4, 1.6])
                if last == outer * inner:
                    continue
                prompt.append(f"(({first}){inner} {words}){outer}")
                text.append((first, inner * outer, ()))
                weight = outer
            else:
                words, weight = self.words(), self.random.choice([0.0, 0.1, 0.5, 0.75, 1.3, 1.5, 2.0])
                prompt.append(f"({words}){weight}")
            if weight == last and form != "nested":
                prompt.pop()
                continue
            text.append((words, weight, ()))
            last = weight
        if not text:
            words = self.words()
            return words, [(words, 1.0, ())]
        return " ".join(prompt), text

    def a1111(self, pieces, breaks=False, schedules=False, plain=(1, 6)):
        prompt, text, last = [], [], None
        for k in range(pieces):
            form = self.random.choice(["plain", "round", "rounds", "square", "colon", "colon"])
            if schedules and self.random.random() < 0.4:
                form = self.random.choice(["edit", "later", "until", "turns"])
            if breaks and k and self.random.random() < 0.4:
                prompt.append("BREAK")
                text.append(("break",))
                last = None
            a, b = self.words(), self.words()
            when = self.random.choice([0.3, 0.5, 4, 7])
            if form == "edit":
                prompt.append(f"[{a}:{b}:{when}]")
                text += [(a, 1.0, [("until", when, 0)]), (b, 1.0, [("from", when, 0)])]
            elif form == "later":
                prompt.append(f"[{a}:{when}]")
                text.append((a, 1.0, [("from", when, 0)]))
            elif form == "until":
                prompt.append(f"[{a}::{when}]")
                text.append((a, 1.0, [("until", when, 0)]))
            elif form == "turns":
                prompt.append(f"[{a}|{b}]")
                text += [(a, 1.0, [("turn", 0, 2)]), (b, 1.0, [("turn", 1, 2)])]
            else:
                weight = {"plain": 1.0, "round": 1.1, "rounds": 1.1 * 1.1, "square": 1 / 1.1}.get(form)
                if weight is None:
                    weight = self.random.choice([0.0, 0.3, 0.8, 1.3, 1.7])
                if form == "plain":
                    a = self.words(*plain, comma=True)
                prompt.append({"plain": a, "round": f"({a})", "rounds": f"(({a}))", "square": f"[{a}]"}.get(
                    form, f"({a}:{weight})"))
                text.append((a, weight, ()))
        return " ".join(prompt), text

    def member(self, text, weight=1.0):
        return dict(parts=[(text, 1.0)], weight=weight, normalize=True)

    def invoke_case(self, kind):
        long = self.random.choice(["truncate", "continue"])
        case = dict(dialect="invoke", long=long, negative="", negative_text=[("", 1.0, ())])
        if kind == "blend":
            parts = [self.invoke(self.random.randint(1, 4)) for _ in range(self.random.randint(2, 3))]
            factors = [self.random.choice([0.25, 0.5, 1.0, 1.5]) for _ in parts]
            raw = self.random.random() < 0.3
            quoted = ", ".join(f'"{p}"' for p, _ in parts)
            numbers = ", ".join(map(str, factors)) + (", no_normalize" if raw else "")
            case["prompt"] = f"({quoted}).blend({numbers})"
            members = [dict(parts=[(t, g) for (_, t), g in zip(parts, factors)], weight=1.0, normalize=not raw)]
        elif kind == "and":
            parts = [self.invoke(self.random.randint(1, 3)) for _ in range(2)]
            weights = [self.random.choice([0.5, 1.0, 2.0]) for _ in parts]
            case["prompt"] = "(" + ", ".join(f'"{p}"' for p, _ in parts) + f").and({weights[0]}, {weights[1]})"
            members = [self.member(t, w) for (_, t), w in zip(parts, weights)]
        else:
            plain = (25, 60) if kind == "long" else (1, 6)
            case["prompt"], text = self.invoke(self.random.randint(3, 8), swap=kind == "swap", plain=plain)
            if kind == "long":
                words = self.words(60, 90)
                joins = text[-1][1] == 1.0
                case["prompt"] += " " + words
                text = text[:-1] + [(text[-1][0] + " " + words, 1.0, ())] if joins else text + [(words, 1.0, ())]
            members = [self.member(text)]
        if self.random.random() < 0.6:
            case["negative"], case["negative_text"] = self.invoke(self.random.randint(1, 3))
        return case | dict(members=members)

    def a1111_case(self, kind):
        case = dict(dialect="a1111", long="truncate", negative="", negative_text=[("", 1.0, ())])
        make = lambda n: self.a1111(n, kind == "break", kind == "schedule", (30, 70) if kind == "long" else (1, 6))
        if kind == "and":
            parts = [make(self.random.randint(1, 3)) for _ in range(2)]
            weights = [1.0, self.random.choice([-0.5, 0.5, 1.2])]
            case["prompt"] = f"{parts[0][0]} AND {parts[1][0]} :{weights[1]}"
            members = [self.member(t, w) for (_, t), w in zip(parts, weights)]
        else:
            case["prompt"], text = make(self.random.randint(3, 8))
            members = [self.member(text)]
        if self.random.random() < 0.3:
            case["prompt"] += " <lora:style:0.8>"
        if self.random.random() < 0.6:
            case["negative"], case["negative_text"] = self.a1111(self.random.randint(1, 3))
        return case | dict(members=members)


def main():
    torch.set_num_threads(1)
    maker, reference = Maker(1), Reference()
    kinds = (["weights"] * 60 + ["long"] * 30 + ["swap"] * 25 + ["blend"] * 25 + ["and"] * 10,
             ["weights"] * 40 + ["long"] * 30 + ["break"] * 25 + ["schedule"] * 40 + ["and"] * 15)
    with torch.no_grad():
        records = [golden(reference, maker.invoke_case(k)) for k in kinds[0]]
        records += [golden(reference, maker.a1111_case(k)) for k in kinds[1]]
    lines = ",\n".join(json.dumps(r, separators=(",", ":")) for r in records)
    TARGET.write_text(f'{{"config":{json.dumps(CONFIG)},"steps":{STEPS},"cases":[\n{lines}\n]}}\n')
    values = np.array([v for r in records for s in r["stages"] for c in s["cond"] for v in c["context"]])
    print(f"{len(records)} prompts, {sum(len(r['stages']) for r in records)} stages, up to "
          f"{max(s['windows'] for r in records for s in r['stages'])} windows, spread {values.std():.2f}")


if __name__ == "__main__":
    main()

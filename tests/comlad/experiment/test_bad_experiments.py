"""What a person is told: one line with the key, what was found and what would be right."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import complaint, tables

from comlad.config import parse_toml
from comlad.errors import ConfigError

DIGITS = {"kind": "softmax-regression"}
TOP_K = {"kind": "top-k", "keep": 3}
DECODED = {"coding": {"kind": "draco-repetition", "load": 5}, "compressor": {"kind": "identity"}}

# What is laid over an experiment that can be, how the line begins, how it goes on.
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown key": ({"round": 3}, "unknown key 'round': did you mean 'rounds'? one of ", "seed"),
    "unknown table": ({"compresor": {}}, "unknown key 'compresor': did you mean 'compressor'?", ""),
    "unknown key of the devices": (
        {"devices": {"count": 5, "byzantin": 1}},
        "[devices] unknown key 'byzantin': did you mean 'byzantine'?",
        "deadline_s",
    ),
    "unknown way with too few": (
        {"devices": {"count": 5, "too_few": "wait"}},
        "[devices] too_few = 'wait'",
        "'repeat', 'stop', 'skip'",
    ),
    "unknown word for who is missing": (
        {"devices": {"count": 5, "missing": "honest"}},
        "[devices] missing = 'honest'",
        "'fault', 'late'",
    ),
    "quorum that is a fraction": (
        {"devices": {"count": 5, "quorum": 0.5}},
        "[devices] quorum = 0.5",
        "a whole number",
    ),
    "unknown key of a part": (
        {"coding": {"kind": "cyclic", "lod": 2}},
        "[coding] (kind 'cyclic') unknown key 'lod': did you mean 'load'?",
        "one of load",
    ),
    "key of another part": (
        {"compressor": {"kind": "identity", "keep": 3}},
        "[compressor] (kind 'identity') unknown key 'keep': ",
        "one of values",
    ),
    "key of a part that has none": (
        {"compressor": {"kind": "terngrad", "keep": 3}},
        "[compressor] (kind 'terngrad') unknown key 'keep': it has none",
        "",
    ),
    "unknown problem": (
        {"problem": {"kind": "linear-regresion"}},
        "[problem] unknown kind of problems 'linear-regresion': did you mean 'linear-regression'?",
        "",
    ),
    "unknown coding": (
        {"coding": {"kind": "ciclic"}},
        "[coding] unknown kind of codings 'ciclic': did you mean 'cyclic'?",
        "",
    ),
    "unknown estimator": (
        {"estimator": {"kind": "plane"}},
        "[estimator] unknown kind of estimators 'plane': did you mean 'plain'?",
        "",
    ),
    "unknown compressor": (
        {"compressor": {"kind": "zip"}},
        "[compressor] unknown kind of compressors 'zip': ",
        "one of identity, natural, qsgd, random-sparsification",
    ),
    "unknown aggregator": (
        {"aggregator": {"kind": "trimed-mean"}},
        "[aggregator] unknown kind of aggregators 'trimed-mean': did you mean 'trimmed-mean'?",
        "",
    ),
    "a rule that refused liars would stop": (
        {
            "devices": {"count": 7, "byzantine": 2},
            "aggregator": {"kind": "trimmed-mean", "trim": 3},
        },
        "[aggregator] in a round with 1 of 7 devices refused: trim = 3: drops 3 at each end",
        "",
    ),
    "a trusted device that is none": (
        {"aggregator": {"kind": "monna", "trusted": 5}},
        "[aggregator] trusted = 5: must be one of 0 to 4",
        "",
    ),
    "a trusted device that is mixed up": (
        {"aggregator": {"kind": "monna", "trusted": 0, "before": [{"kind": "bucketing"}]}},
        "[aggregator] trusted = 0: nothing before the rule may mix",
        "",
    ),
    "a trusted device that lies": (
        {
            "devices": {"count": 5, "byzantine": [2]},
            "aggregator": {"kind": "monna", "trusted": 2},
        },
        "[aggregator] trusted = 2: must not be one of the devices that lie",
        "",
    ),
    "an attack of more liars than can be": (
        {"attack": {"kind": "alie", "f": 4}},
        "[attack] f = 4: must be at most half of 5 devices",
        "",
    ),
    "an attack on a rule that cannot be": (
        {"attack": {"kind": "opt-alie", "aggregator": {"kind": "bulyan"}}},
        "[attack] aggregator tolerate = 1: ",
        "",
    ),
    "a code that corrects too few": (
        {
            "devices": {"count": 7, "byzantine": 2},
            "coding": {"kind": "draco-cyclic", "load": 3},
            "compressor": {"kind": "identity"},
        },
        "[devices] tolerate = 2: must be at most 1, the liars that [coding] corrects",
        "",
    ),
    "unknown pre-aggregation": (
        {"aggregator": {"before": [{"kind": "nmm"}]}},
        "[aggregator] before unknown kind of preaggregators 'nmm': did you mean 'nnm'?",
        "",
    ),
    "unknown attack": (
        {"attack": {"kind": "signflip"}},
        "[attack] unknown kind of attacks 'signflip': did you mean 'sign-flip'?",
        "",
    ),
    "unknown step": (
        {"step": {"kind": "sdg", "learning_rate": 1.0}},
        "[step] unknown kind of steps 'sdg': did you mean 'sgd'?",
        "",
    ),
    "no problem": ({"problem": None}, "[problem] kind is missing: one of ", "linear-regression"),
    "no kind of attack": ({"attack": {}}, "[attack] kind is missing: one of ", "sign-flip"),
    "no rounds": ({"rounds": None}, "rounds is missing: give a whole number", ""),
    "no devices": ({"devices": None}, "[devices] count is missing: give a whole number", ""),
    "no rate": ({"step": None}, "[step] (kind 'sgd') learning_rate is missing: give a number", ""),
    "kind that is no word": ({"coding": {"kind": 3}}, "[coding] kind = 3: must be one of ", ""),
    "trim that leaves nobody": (
        {"aggregator": {"kind": "trimmed-mean", "trim": 3}},
        "[aggregator] trim = 3: drops 3 at each end and leaves none of 5 vectors; must be less",
        "",
    ),
    "trim of a half": (
        {"aggregator": {"kind": "trimmed-mean", "trim": 0.5}},
        "[aggregator] (kind 'trimmed-mean') trim = 0.5: must be less than 0.5: a fraction",
        "",
    ),
    "load above the devices": (
        {"coding": {"kind": "cyclic", "load": 6}},
        "[coding] load = 6: must be at most 5, the number of devices and of subsets",
        "",
    ),
    "no load": ({"coding": {"load": 0}}, "[coding] (kind 'cyclic') load = 0: must be at least", ""),
    "too many liars": (
        {"devices": {"count": 4, "byzantine": 2}},
        "[devices] byzantine = 2: must be at least 0 and less than half of 4 devices",
        "",
    ),
    "too much tolerated": (
        {"devices": {"count": 4, "tolerate": 2}},
        "[devices] tolerate = 2: must be at least 0 and less than half of 4 devices",
        "",
    ),
    "keep above the dimension": (
        {"compressor": {"kind": "random-sparsification", "keep": 7}},
        "[compressor] keep = 7: must be at most 6, the length of the vector",
        "",
    ),
    "keep nothing": (
        {"compressor": {"kind": "random-sparsification", "keep": 0}},
        "[compressor] (kind 'random-sparsification') keep = 0: must be at least 1 coordinate",
        "",
    ),
    "negative rate": (
        {"step": {"learning_rate": -1e-3}},
        "[step] (kind 'sgd') learning_rate = -0.001: must be a positive number",
        "",
    ),
    "no rounds at all": ({"rounds": 0}, "rounds = 0: must be at least 1", ""),
    "more rounds than the wire counts": ({"rounds": 2**32}, "rounds = 4294967296: must be ", ""),
    "negative seed": ({"seed": -1}, "seed = -1: must be from 0 to 2^63 − 1", ""),
    "empty name": ({"name": "  "}, "name = '  ': must not be empty", ""),
    "true for a whole number": ({"rounds": True}, "rounds = True: must be a whole number", ""),
    "true for a number": (
        {"step": {"learning_rate": True}},
        "[step] (kind 'sgd') learning_rate = True: must be a number",
        "",
    ),
    "true for a count or fraction": (
        {"aggregator": {"kind": "trimmed-mean", "trim": True}},
        "[aggregator] (kind 'trimmed-mean') trim = True: must be a whole number or a number",
        "",
    ),
    "words for a number": ({"seed": "one"}, "seed = 'one': must be a whole number", ""),
    "a number for a name": ({"name": 5}, "name = 5: must be a string", ""),
    "a fraction of a device": (
        {"devices": {"count": 4.5}},
        "[devices] count = 4.5: must be a whole number",
        "",
    ),
    "one for true": (
        {"devices": {"count": 5, "redraw": 1}},
        "[devices] redraw = 1: must be true or false",
        "",
    ),
    "a word that is none of the choices": (
        {"problem": DIGITS | {"split": "labels"}},
        "[problem] (kind 'softmax-regression') split = 'labels': must be one of 'label', ",
        "'dirichlet', 'iid'",
    ),
    "a word for a table": (
        {"coding": "cyclic"},
        "coding = 'cyclic': must be a table, [coding]",
        "",
    ),
    "a list for a table": ({"devices": [{"count": 5}]}, "devices = [{'count': 5}]: must be a", ""),
    "a quantiser before something": (
        {"compressor": [{"kind": "terngrad"}, {"kind": "top-k", "keep": 3}]},
        "[[compressor]] link 1 kind = 'terngrad': must keep some of the coordinates, as ",
        "random-sparsification and top-k do",
    ),
    "coordinates kept twice": (
        {"compressor": [{"kind": "top-k", "keep": 5}, {"kind": "top-k", "keep": 3}]},
        "[[compressor]] link 2 kind = 'top-k': must be what values are ",
        "coordinates are kept by link 1",
    ),
    "three compressors": (
        {"compressor": [{"kind": "terngrad"}] * 3},
        "[[compressor]] = ['terngrad', 'terngrad', 'terngrad']: must be one compressor, or two: ",
        "",
    ),
    "no compressor": ({"compressor": []}, "[[compressor]] = []: must be one compressor, or ", ""),
    "a link of a chain that is not known": (
        {"compressor": [{"kind": "top-k", "keep": 3}, {"kind": "zip"}]},
        "[[compressor]] link 2 unknown kind of compressors 'zip': ",
        "",
    ),
    "a link of a chain that is no table": (
        {"compressor": [{"kind": "top-k", "keep": 3}, "terngrad"]},
        "[[compressor]] link 2 = 'terngrad': must be a table",
        "",
    ),
    "a chain that keeps more than there is": (
        {"compressor": [{"kind": "top-k", "keep": 7}, {"kind": "terngrad"}]},
        "[compressor] link 1 keep = 7: must be at most 6, the length of the vector",
        "",
    ),
    "a range that is none": (
        {"compressor": {"kind": "stochastic-quantization", "range": [1, -1]}},
        "[compressor] (kind 'stochastic-quantization') range = (1.0, -1.0): must be \"data\" or",
        "",
    ),
    "a batch of no samples": ({"sampling": {"batch": 0}}, "[sampling] batch = 0: must be ", "1"),
    "a batch that no message could tell": (
        {"sampling": {"batch": 2**31}},
        "[sampling] batch = 2147483648: must be ",
        "less than 2^31",
    ),
    "a batch that is a fraction": (
        {"sampling": {"batch": 0.5}},
        "[sampling] batch = 0.5: must be a whole number",
        "",
    ),
    "unknown key of the sampling": (
        {"sampling": {"bach": 2}},
        "[sampling] unknown key 'bach': did you mean 'batch'?",
        "",
    ),
    "a batch where there are no samples": (
        {"sampling": {"batch": 2}, "problem": {"kind": "quadratic", "dimension": 6}},
        "[sampling] batch = 2: must be left out, since the subsets of this problem are no samples",
        "",
    ),
    "a batch under a code that is decoded": (
        DECODED | {"sampling": {"batch": 1}},
        "[sampling] batch = 1: must be left out where [coding] is decoded: all must compute ",
        "the same gradients",
    ),
    "a memory under a code that is decoded": (
        DECODED | {"estimator": {"kind": "ef21-sgdm"}},
        "[estimator] kind = 'ef21-sgdm': must be plain where [coding] is decoded: ",
        "gradients of one round",
    ),
    "a biased compressor without error feedback": (
        {"estimator": {"kind": "plain"}, "compressor": TOP_K},
        "[compressor] kind = 'top-k': must be unbiased: what it leaves out is lost for good",
        "use an estimator with error feedback, such as ef21-sgdm or byz-dm21, or say [estimator] "
        "biased = true",
    ),
    "a chain that is biased without error feedback": (
        {"estimator": {"kind": "plain"}, "compressor": [TOP_K, {"kind": "terngrad"}]},
        "[compressor] kind = 'top-k + terngrad': must be unbiased",
        "",
    ),
    "unscaled coordinates without error feedback": (
        {
            "estimator": {"kind": "plain"},
            "compressor": {"kind": "random-sparsification", "keep": 3, "scaled": False},
        },
        "[compressor] kind = 'random-sparsification': must be unbiased",
        "",
    ),
    "few scaled coordinates under error feedback": (
        {
            "estimator": {"kind": "ef21"},
            "compressor": {"kind": "random-sparsification", "keep": 2},
        },
        "[compressor] kind = 'random-sparsification': must be contractive (it has δ = 2): ",
        "random-sparsification is with scaled = false",
    ),
    "half of the scaled coordinates under error feedback": (
        {
            "estimator": {"kind": "ef14"},
            "compressor": {"kind": "random-sparsification", "keep": 3},
        },
        "[compressor] kind = 'random-sparsification': must be contractive (it has δ = 1): ",
        "",
    ),
    "few levels under error feedback": (
        {"estimator": {"kind": "byz-dm21"}, "compressor": {"kind": "qsgd", "levels": 1}},
        "[compressor] kind = 'qsgd': must be contractive (it has δ = 1.449): ",
        "qsgd with more levels",
    ),
    "clipping under error feedback": (
        {
            "estimator": {"kind": "ef21"},
            "compressor": {"kind": "stochastic-quantization", "range": [-1, 1]},
        },
        "[compressor] kind = 'stochastic-quantization': must be contractive: ",
        "",
    ),
    **{
        f"a bias that {kind} would add up": (
            {"estimator": {"kind": kind}, "compressor": TOP_K},
            f"[compressor] kind = 'top-k': must be unbiased: {kind} adds up what was sent, ",
            "and so adds up a bias",
        )
        for kind in ("byz-vr-marina", "byz-dasha-page", "diana")
    },
    "errors without a bound that are added up": (
        {
            "estimator": {"kind": "diana"},
            "compressor": {"kind": "stochastic-quantization", "range": [-1, 1]},
        },
        "[compressor] kind = 'stochastic-quantization': must have an error of at most δ times ",
        "diana adds errors up",
    ),
    "a momentum above 1": (
        {"estimator": {"kind": "ef21-sgdm", "momentum": 1.5}, "compressor": TOP_K},
        "[estimator] (kind 'ef21-sgdm') momentum = 1.5: must be above 0 and at most 1",
        "the weight of what is new",
    ),
    "a start that is neither": (
        {"estimator": {"kind": "ef21", "start": "hot"}, "compressor": TOP_K},
        "[estimator] (kind 'ef21') start = 'hot': must be one of 'cold', 'warm'",
        "",
    ),
    "a coin that never falls": (
        {"estimator": {"kind": "byz-vr-marina", "probability": 0}},
        "[estimator] (kind 'byz-vr-marina') probability = 0.0: must be above 0 and at most 1",
        "",
    ),
    "tasks that are neither": (
        {"coding": {"kind": "cyclic", "tasks": "mixed"}},
        "[coding] (kind 'cyclic') tasks = 'mixed': must be one of 'redrawn', 'fixed'",
        "",
    ),
    "a word before the rule": (
        {"aggregator": {"before": ["nnm"]}},
        "[aggregator] before = ['nnm']: must be a list of tables, such as [{ kind =",
        "",
    ),
    "a command that is no list": (
        {"attack": {"command": "./attacker"}},
        "[attack] command = './attacker': must be a list, each a string",
        "",
    ),
    "a command with a parameter": (
        {"attack": {"command": ["./attacker"], "factor": 2}},
        "[attack] unknown key 'factor': ",
        "one of command",
    ),
    "an empty command": ({"attack": {"command": []}}, "[attack] command = []: must name a", ""),
    "data in a file that is missing": (
        {"problem": {"kind": "linear-regression", "arrays": "no/such.npz"}},
        "[problem] arrays = 'no/such.npz': must be an .npz file with features and targets",
        "No such file",
    ),
    "more devices than samples": (
        {"problem": DIGITS, "devices": {"count": 1500, "byzantine": 1}},
        "[problem] devices.count = 1500: must be at most 1438, the number of training samples",
        "",
    ),
}


@pytest.mark.parametrize(("changes", "begins", "goes_on"), BAD.values(), ids=BAD)
def test_names_the_key_what_was_found_and_what_would_be_right(
    changes: dict[str, Any], begins: str, goes_on: str
) -> None:
    message = complaint(tables(**changes))

    assert message.startswith(begins)
    assert goes_on in message
    assert "\n" not in message


def test_names_the_file_that_does_not_fit_the_devices(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, features=np.ones((4, 2)), targets=np.ones(4))

    message = complaint(tables(problem={"kind": "linear-regression", "arrays": str(path)}))

    assert message == (
        f"[problem] arrays = {str(path)!r}: features has shape (4, 2): "
        "must have a row for each of 5 devices"
    )


@pytest.mark.parametrize("text", ["rounds = ", "[devices\ncount = 5", 'name = "a', "a = 1\na = 2"])
def test_says_where_a_file_is_not_toml(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_toml(text, "experiment.toml")

    message = str(caught.value)
    assert message.startswith("experiment.toml is not TOML: ")
    assert "(at " in message
    assert "\n" not in message

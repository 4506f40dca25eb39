"""Words of the field and of this program that are no measured numbers."""

from __future__ import annotations

from vislrp_ui.glossary.term import GlossaryTerm

ALL = ("home", "design", "compare", "flipping", "ablation", "search", "hand")
MAPS = ("home", "design", "compare", "flipping", "ablation", "search")
RULES = ("home", "design", "compare", "search", "hand")

WORDS: dict[str, GlossaryTerm] = {
    "ablation": GlossaryTerm(
        "ablation",
        "Setting the outputs of neurons to 0, or to their mean, and running the layers above again.",
        ("home", "ablation"),
        "`ablation.py`",
    ),
    "absorb": GlossaryTerm(
        "absorb",
        "To keep relevance back: what ε, or a bias that counts as an input, takes at a layer does not reach the layers "
        "below.",
        RULES,
    ),
    "activation": GlossaryTerm(
        "activation",
        "The output of a neuron or of a layer, a. Behind a ReLU it is never negative.",
        ("home", "design", "ablation", "hand"),
        "`Trace.activation`",
    ),
    "architecture": GlossaryTerm("architecture", "The ordered rows of a kind of network.", ("search",), "`Architecture`"),
    "attribution": GlossaryTerm("attribution", "Any assignment of a score to the inputs of a network; LRP gives one."),
    "baseline": GlossaryTerm(
        "baseline",
        "A map that is not LRP, such as the gradient or the edges of the picture: what a model must beat.",
        ("compare", "flipping", "search"),
        "`Baseline`",
    ),
    "bias": GlossaryTerm(
        "bias",
        "A number b that a neuron adds to its sum. In LRP it is either left out of the sums, or counts as one more input of "
        "value 1, whose share no pixel gets.",
        RULES,
        "`bias`",
    ),
    "class": GlossaryTerm(
        "class, target",
        "One of the things that the network can name; the target is the class whose score is explained.",
        ALL,
        "`target`",
    ),
    "composite": GlossaryTerm(
        "composite",
        "Different rules in different layers; the field's word for what an LRP model does.",
        ("home", "design", "compare", "search"),
        "`LRPModel`",
    ),
    "contribution": GlossaryTerm(
        "contribution",
        "What input i adds to the sum of neuron j: its activation times the weight, a·w. With θ₀ or θ₁ other than usual, "
        "θ₀ + θ₁ a stands in place of a.",
        RULES,
    ),
    "convention": GlossaryTerm(
        "convention",
        "Pooling, bias, pixel rule, start and scale of ε: choices that every implementation of LRP makes.",
        ("design", "compare", "search"),
    ),
    "evidence": GlossaryTerm(
        "evidence", "Measures of models over many pictures, with intervals.", ("compare",), "`evidence/`"
    ),
    "explanation key": GlossaryTerm(
        "explanation key", "What a computed map depends on: network, picture, model, target.", code="`ExplanationKey`"
    ),
    "fill": GlossaryTerm(
        "fill", "What flipped pixels become: × −1, the mean colour, black, blurred or noise.", ("flipping",), "`fills.py`"
    ),
    "flipping": GlossaryTerm(
        "flipping",
        "Replacing pixels, in the order of their relevance, and watching the prediction.",
        ("home", "compare", "flipping", "search"),
        "`flipping.py`",
    ),
    "gate": GlossaryTerm("gate", "The queue that computations pass, so that they share the cores.", code="`GATE`"),
    "guided case": GlossaryTerm(
        "guided case",
        "A page opened with picture, class, models and settings as the guide has them, and a lesson on it.",
        ("home",),
        "`Case`",
    ),
    "heatmap": GlossaryTerm(
        "heatmap, map",
        "The relevance of the pixels, summed over the colour channels, as a picture. Zero has the neutral colour; in the "
        "default colours red speaks for the class and blue against it.",
        MAPS,
        "`heatmap.py`",
    ),
    "intermediate heatmap": GlossaryTerm(
        "intermediate heatmap", "The relevance that a segment hands on to the layer below it.", ("design", "compare")
    ),
    "lesson": GlossaryTerm(
        "lesson",
        "A guided case step by step: what to do, where to look, what it means; or a lecturer's views with a sentence each.",
        ("home",),
        "`Lesson`, `Step`, `LessonFile`",
    ),
    "logit": GlossaryTerm(
        "logit",
        "The network's score of a class, before softmax turns the scores of all classes into probabilities. It can be "
        "negative.",
        ALL,
    ),
    "LRP": GlossaryTerm(
        "LRP",
        "Layer-wise Relevance Propagation: the score of a class goes back through the network, layer by layer, and is "
        "shared among the neurons below in each, down to the pixels.",
        ALL,
    ),
    "LRP model": GlossaryTerm(
        "LRP model",
        "Segments with their rules, and conventions: the thing that is designed.",
        ("home", "design", "compare", "flipping", "ablation", "search"),
        "`LRPModel`",
    ),
    "measure": GlossaryTerm(
        "measure", "A number about a map, with its definition and what it does not show.", ("compare", "search"), "`Measure`"
    ),
    "MoRF, LeRF": GlossaryTerm(
        "MoRF, LeRF", "Most, least relevant first: orders in which pixels are flipped.", ("flipping",)
    ),
    "neuron": GlossaryTerm(
        "neuron",
        "A unit of a fully connected layer; in a convolutional layer, a channel with all its positions.",
        ("home", "ablation", "hand"),
    ),
    "page": GlossaryTerm("page", "One declaration: title, drawing, state, shares of the caches.", code="`Room`"),
    "pixel rule": GlossaryTerm(
        "pixel rule",
        "The rule of the first layer with weights, whose inputs are pixels and can be negative.",
        ("home", "design", "compare", "search"),
        "`pixel_rule`",
    ),
    "pooling": GlossaryTerm(
        "pooling",
        "Max pooling keeps the largest of neighbouring activations. Relevance goes back to that one alone (winner takes "
        "all), or to all in proportion to their activations.",
        ("design", "compare", "search"),
        "`pooling`",
    ),
    "preset": GlossaryTerm(
        "preset", "A rule with a name and usual values.", ("design", "compare", "search", "hand"), "`Preset`"
    ),
    "ranked predictions": GlossaryTerm(
        "ranked predictions", "The classes in the order of their probability.", ("compare",), "`Prediction`"
    ),
    "relevance": GlossaryTerm(
        "relevance",
        "R: which part of the explained score goes back to a neuron or pixel. Positive relevance speaks for the class, "
        "negative against it. It has the unit of the score.",
        ALL,
        "`Relevance`",
    ),
    "row": GlossaryTerm("row", "The number of a layer on the ruler; row 0 is the image.", ("design",)),
    "rule": GlossaryTerm("rule", "How the relevance of a neuron is shared among the inputs of its layer.", RULES, "`Rule`"),
    "segment": GlossaryTerm(
        "segment", "Consecutive layers that have the same rule.", ("home", "design", "compare", "search"), "`Segment`"
    ),
    "shelf": GlossaryTerm("shelf", "Results about samples that are kept on disk.", code="`Shelf`"),
    "softmax": GlossaryTerm(
        "softmax, probability",
        "Softmax turns the logits of all classes into probabilities that add up to 1: that of one class also rises when the "
        "others fall.",
        ("design", "compare", "flipping", "ablation"),
    ),
    "stabilizer": GlossaryTerm(
        "stabilizer, ε",
        "A number added to a denominator, with the denominator's sign, so that nothing is divided by nearly 0. What it "
        "takes of the relevance is absorbed. A relative ε is multiplied by the root mean square of the layer's sums.",
        RULES,
        "`STABILIZER`",
    ),
    "start": GlossaryTerm(
        "start",
        "The relevance of the outputs, where it begins: the target's logit and 0 at all other classes, unless the "
        "conventions say otherwise.",
        ("design", "compare", "hand"),
        "`start`",
    ),
    "trace": GlossaryTerm("trace", "All that is kept of one forward pass.", code="`Trace`"),
    "visit": GlossaryTerm("visit", "Everything that a person sees, one object, in the address.", code="`Visit`"),
}

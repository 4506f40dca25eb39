"""Measured numbers: what each is, its range, what a high value means, what it does not prove."""

from __future__ import annotations

from vislrp_ui.glossary.term import GlossaryTerm

FILLED = (
    "Filled pictures leave the data that the network was trained on, so that a fall may come from the fill itself: compare "
    "several fills."
)
TASTE = "That a map is right: concentration is a matter of taste, not of truth."

NUMBERS: dict[str, GlossaryTerm] = {
    "conservation": GlossaryTerm(
        "conservation, “kept”",
        "Relevance is neither lost nor made on the way: each layer holds as much as the layer above. “Kept” is how much of "
        "the start arrives: the relevance of all pixels divided by that at the start.",
        ("home", "design", "compare", "flipping", "ablation", "search", "hand"),
        "`metrics.conservation`",
        "100 %: nothing was absorbed or added on the way. 6 %: ε or biases absorbed 94 %. It can be more than 100 %: where "
        "a bias is negative, where α − β is not 1, or where LRP-αβ meets neurons without negative contributions.",
        "That the map is right: a rule can conserve relevance and put it in the wrong place.",
    ),
    "sum": GlossaryTerm(
        "Σ",
        "The sum of the relevance of a map.",
        ("design", "compare"),
        "`Relevance.total`",
        "The unit of the start, usually the logit; no fixed range. Its sign follows that of the start.",
        "That the map is right: it says how much arrives, not where.",
    ),
    "range": GlossaryTerm(
        "±, range",
        "The relevance that takes the strongest colour.",
        ("design", "compare"),
        "`heatmap.limit`",
        "Any positive number. Maps with different ranges show different amounts in the same colour.",
        "Anything about the network: it belongs to the drawing.",
    ),
    "positive_share": GlossaryTerm(
        "+, share of positive relevance",
        "The sum of positive relevance divided by the sum of all absolute values.",
        ("compare",),
        "`metrics.positive_share`",
        "0 to 100 %. 100 %: nothing speaks against the class. 50 %: as much against it as for it.",
        "That the map is right: z⁺ shows nothing but positive relevance whatever the network sees, if it starts from a "
        "positive score.",
    ),
    "gini": GlossaryTerm(
        "Gini",
        "How concentrated a map is: the Gini coefficient of its absolute values.",
        ("compare",),
        "`metrics.gini`",
        "0 to 1. 0: all pixels carry the same amount. Near 1: a few pixels carry everything.",
        TASTE,
    ),
    "entropy": GlossaryTerm(
        "entropy, H",
        "How spread out a map is: the entropy, in nats, of its absolute values divided by their sum.",
        ("compare",),
        "`metrics.entropy`",
        "0 to the logarithm of the number of pixels, 10.8 on VGG16. High: many pixels share the map.",
        TASTE,
    ),
    "pearson": GlossaryTerm(
        "r",
        "Pearson's correlation of two maps, pixel by pixel; on Compare with the map in the first column.",
        ("compare",),
        "`metrics.pearson`",
        "−1 to 1. 1: the same pattern. 0: no linear relation. −1: the opposite.",
        "That either map is right: two wrong maps can be alike.",
    ),
    "spearman": GlossaryTerm(
        "ρ",
        "Spearman's rank correlation of two maps: do both put the pixels in the same order? On Compare with the map in the "
        "first column.",
        ("compare",),
        "`metrics.spearman`",
        "−1 to 1. 1: the same order. −1: the reverse order.",
        "That either map is right; and most of the order is that of pixels with hardly any relevance.",
    ),
    "ssim": GlossaryTerm(
        "SSIM",
        "Structural similarity of two maps, each divided by its largest absolute value: are means, contrast and pattern "
        "alike in small windows? On Compare with the map in the first column.",
        ("compare",),
        "`metrics.ssim`",
        "At most 1, for equal maps. High: the two look alike.",
        "That either map is right. Large empty areas count as alike, so that unrelated maps can reach 0.5 and more.",
    ),
    "cosine": GlossaryTerm(
        "cosine, class sensitivity",
        "The cosine between a model's maps for two classes of one picture.",
        ("compare",),
        "`metrics.cosine`",
        "−1 to 1. Near 1: the same map whichever class is asked for. Lower: the model tells the classes apart.",
        "That either map is right: both may be different and wrong.",
    ),
    "srg": GlossaryTerm(
        "SRG, flipping score",
        "Symmetric relevance gain: the area under the target's probability with the least relevant patches flipped first, "
        "minus the area with the most relevant first.",
        ("compare", "flipping", "search"),
        "`PerturbationCurve`",
        "−1 to 1 with probabilities. High: the map orders the patches as the network needs them. 0: no better than chance.",
        FILLED,
    ),
    "aopc": GlossaryTerm(
        "AOPC",
        "Area over the perturbation curve: the mean fall of the target's probability while patches are flipped, most "
        "relevant first.",
        ("compare", "flipping", "search"),
        "`PerturbationCurve`",
        "−1 to 1 with probabilities. High: flipping what the map calls relevant costs the class early.",
        FILLED + " It also grows with how fast the fill alone destroys the class: values of different fills do not compare.",
    ),
    "abpc": GlossaryTerm(
        "ABPC",
        "Area between perturbation curves: the mean gap between the target's probability with the least relevant patches "
        "flipped first and with the most relevant first.",
        ("compare", "flipping", "search"),
        "`PerturbationCurve`",
        "−1 to 1 with probabilities. High: the map tells what the network needs from what it does not.",
        FILLED,
    ),
    "change": GlossaryTerm(
        "change",
        "The share of patches flipped, most relevant first, when the first class becomes another one.",
        ("flipping",),
        "`flips_to_change`",
        "0 to 100 %. Low: a few patches decide. Empty where the first class stays to the end.",
        FILLED,
    ),
    "class_cosine": GlossaryTerm(
        "class cosine",
        "The mean cosine of the target's map and those of the four most probable other classes.",
        ("compare", "search"),
        "`MEASURES`",
        "−1 to 1. High: the map hardly depends on the class.",
        "That a map is right: maps that differ between classes need not be right for either, and a random map for each "
        "class would have a cosine of about 0.",
    ),
    "top_randomised": GlossaryTerm(
        "top randomised",
        "Spearman's correlation of |R| before and after the weights of the last layer are put in random places.",
        ("compare", "search"),
        "`MEASURES`",
        "−1 to 1. Near 1: the map hardly notices that the last layer has become nonsense.",
        "Which method is better: the layers below keep their features, so that a faithful map may stay much alike, and "
        "noise lowers the value.",
    ),
    "mosaic": GlossaryTerm(
        "mosaic",
        "Four pictures in one: the share of positive relevance in the quadrant of the picture whose class is explained.",
        ("compare", "search"),
        "`MEASURES`",
        "0 to 1; 0.25 by chance. High: the map finds the right picture.",
        "What is marked inside the quadrant; and mosaics leave the data that the network was trained on.",
    ),
    "box_mass": GlossaryTerm(
        "box mass",
        "The share of positive relevance inside the box around the object.",
        ("compare",),
        "`MEASURES`",
        "0 to 1. High: the map stays inside the box.",
        "That a low value is wrong: the network may rightly use what is outside. A large box is easy to hit.",
    ),
    "pointing": GlossaryTerm(
        "pointing",
        "Whether the pixel of the largest relevance lies in the box around the object, or at most 15 pixels outside.",
        ("compare",),
        "`MEASURES`",
        "0 or 1; over several pictures the share of hits.",
        "Much: one pixel decides, and the centre of the picture does well in most data sets.",
    ),
    "sensitivity": GlossaryTerm(
        "sensitivity",
        "How much a map changes when a little noise is added to the picture, relative to the map.",
        ("compare", "search"),
        "`MEASURES`",
        "0 and more. High: small changes of the picture change the map much.",
        "That a low value is good: a map that ignores the picture has 0.",
    ),
    "faithfulness": GlossaryTerm(
        "faithfulness",
        "Pearson's correlation, over random quarters of the patches, of the relevance that they hold and of the target's "
        "logit lost when they are filled.",
        ("compare", "search"),
        "`MEASURES`",
        "−1 to 1. High: more relevance in a quarter, more lost without it.",
        FILLED + " Only sums over a quarter of the picture are tested, not single patches.",
    ),
    "seconds": GlossaryTerm(
        "s, seconds",
        "The time that the map took on the server when it was computed.",
        ("compare",),
        "`MEASURES`",
        "0 and more; layers that an earlier map shares are not computed again.",
        "Which rule is faster in general: it depends on the machine and on what else it does.",
    ),
}

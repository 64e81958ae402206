// Written by `npm run wire` from src/server/openapi.json; not edited by hand.

export interface paths {
    "/app": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What this installation is and can do */
        get: operations["getApp"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/settings/schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every setting a request may hold */
        get: operations["getSettingsSchema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the page remembers for the asking user */
        get: operations["getRemembered"];
        /** Remember this instead */
        put: operations["putRemembered"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/presets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Prompts and settings saved by name */
        get: operations["getPresets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/presets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Save prompt and settings under this name */
        put: operations["putPreset"];
        post?: never;
        /** Forget the preset */
        delete: operations["deletePreset"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/generate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Draw and wait for the first picture, or for the whole job with Accept: application/json */
        post: operations["generate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Jobs, the newest first */
        get: operations["getJobs"];
        put?: never;
        /** Hand in a job */
        post: operations["postJob"];
        /** Forget jobs that ended before this time, never their pictures */
        delete: operations["deleteJobs"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/waiting": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Waiting jobs in the order they will run */
        get: operations["getWaitingJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One job with its results */
        get: operations["getJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change priority or place of a waiting job */
        patch: operations["patchJob"];
        trace?: never;
    };
    "/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel a job */
        post: operations["cancelJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have a failed or cancelled job wait again */
        post: operations["retryJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Events of one job until it ends */
        get: operations["getJobEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** State of the queue */
        get: operations["getQueue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Pause the queue or let it go on */
        patch: operations["patchQueue"];
        trace?: never;
    };
    "/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Events of everything; schema Events tells the data of each */
        get: operations["getEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page of pictures, newest first */
        get: operations["getImages"];
        put?: never;
        /** Upload a picture */
        post: operations["postImage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/images/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take over the pictures of another output folder (admin) */
        post: operations["importImages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/images/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How many pictures fit */
        get: operations["countImages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/images/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything about one picture */
        get: operations["getImage"];
        put?: never;
        post?: never;
        /** Into the bin */
        delete: operations["deleteImage"];
        options?: never;
        head?: never;
        /** Star it, put it on a board */
        patch: operations["patchImage"];
        trace?: never;
    };
    "/images/{name}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The picture */
        get: operations["getImageFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/images/{name}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A WebP of at most 256 pixels */
        get: operations["getImageThumbnail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/bin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Deleted pictures, the last first */
        get: operations["getBin"];
        put?: never;
        post?: never;
        /** Delete them for good (admin) */
        delete: operations["emptyBin"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/bin/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Back to where it was */
        post: operations["restoreImage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/boards": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Boards */
        get: operations["getBoards"];
        put?: never;
        /** Make a board */
        post: operations["postBoard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/boards/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete the board; its pictures stay */
        delete: operations["deleteBoard"];
        options?: never;
        head?: never;
        /** Rename it */
        patch: operations["patchBoard"];
        trace?: never;
    };
    "/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Models that can be drawn with */
        get: operations["getModels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/models/active": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Draw with this model from now on; it loads meanwhile */
        put: operations["putActiveModel"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/prompt/parse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** How a prompt is understood */
        post: operations["parsePrompt"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/prompt/expand": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Variants of a dynamic prompt */
        post: operations["expandPrompt"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is asking */
        get: operations["getSession"];
        put?: never;
        /** Log in; answers with a cookie */
        post: operations["postSession"];
        /** Log out */
        delete: operations["deleteSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Users (admin) */
        get: operations["getUsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Make or change a user (admin) */
        put: operations["putUser"];
        post?: never;
        /** Remove a user (admin) */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Error: {
            error: {
                /** @enum {string} */
                code: "invalid_argument" | "not_found" | "bad_file" | "unsupported" | "io" | "disk_full" | "out_of_memory" | "internal" | "unauthorized" | "forbidden" | "busy";
                /** @description one line: what was wanted, what came and what to do */
                message: string;
            };
        };
        /** @description One stored picture of a job */
        Result: {
            /** @description within the job, from 0 */
            index: number;
            /** @description of the picture in the gallery */
            name: string;
            url: string;
            thumbnail_url: string;
            seed: number;
            seconds: number;
            width: number;
            height: number;
            /** @description the command that makes it again */
            command: string;
        };
        /** @enum {string} */
        JobState: "queued" | "running" | "completed" | "failed" | "cancelled";
        /** @description a part of the canvas; may stand over its edges */
        CanvasBox: {
            /** @description pixels */
            left: number;
            /** @description pixels */
            top: number;
            /** @description pixels */
            width: number;
            /** @description pixels */
            height: number;
        };
        /** @description the size to paint at with scale manual, multiples of 64 */
        CanvasSize: {
            /** @description pixels */
            width: number;
            /** @description pixels */
            height: number;
        };
        /** @description where a job paints on its canvas */
        JobCanvas: {
            box: components["schemas"]["CanvasBox"];
            /**
             * @description the size a masked or partly empty box is painted at: auto is one that suits the model, manual that of size, none the box's own; then it is scaled back
             * @enum {string}
             */
            scale: "auto" | "manual" | "none";
            size?: components["schemas"]["CanvasSize"];
        };
        /** @description paints one box of a larger picture; what is made has the size of the box and fits back. An empty box is painted from nothing, an opaque one without a mask is painted over, else the masked and the empty parts are painted. Infill and seams are settings: infill_method, tile_size, seam_size, seam_blur, seam_strength, seam_steps, mask_blur, invert_mask */
        NewCanvas: {
            box: components["schemas"]["CanvasBox"];
            /**
             * @description the size a masked or partly empty box is painted at: auto is one that suits the model, manual that of size, none the box's own; then it is scaled back
             * @default auto
             * @enum {string}
             */
            scale?: "auto" | "manual" | "none";
            size?: components["schemas"]["CanvasSize"];
            /** @description the canvas as data URL or base64 of a PNG, JPEG or WebP, kept for this job only; without it init_img names one of the gallery */
            picture?: string;
            /** @description of the same size as picture and sent like it: white or opaque is kept, black or transparent is painted */
            mask?: string;
            /**
             * @description the results are of the kind temporary, not result
             * @default false
             */
            temporary?: boolean;
        };
        Job: {
            id: string;
            state: components["schemas"]["JobState"];
            prompt: string;
            negative_prompt: string;
            /** @description settings by wire name; GET /settings/schema lists them */
            values: {
                [key: string]: unknown;
            };
            priority: number;
            /** @description results that make it complete */
            pictures: number;
            /** @description results so far */
            done: number;
            cancel_requested: boolean;
            error: {
                code: string;
                message: string;
            } | null;
            /** @description Unix milliseconds */
            submitted: number;
            /** @description Unix milliseconds */
            started: number | null;
            /** @description Unix milliseconds */
            finished: number | null;
            results: components["schemas"]["Result"][];
            /** @description place among the waiting jobs, from 0 */
            position: number | null;
            /** @description of its last change */
            revision: number;
            canvas?: components["schemas"]["JobCanvas"];
        };
        NewJob: {
            prompt: string;
            negative_prompt?: string;
            /** @description settings by wire name; GET /settings/schema lists them */
            values?: {
                [key: string]: unknown;
            };
            /** @description a preview event each n steps; 0: none */
            preview_every?: number;
            /** @description previews of full size, by the model's decoder: slower, but true */
            full_previews?: boolean;
            /** @description higher ones run first */
            priority?: number;
            canvas?: components["schemas"]["NewCanvas"];
        };
        /** @description either the priority, or a place beside another waiting job */
        JobChange: {
            priority?: number;
            /** @enum {string} */
            place?: "before" | "after";
            /** @description id of the other job */
            other?: string;
        };
        Jobs: {
            jobs: components["schemas"]["Job"][];
            /** @description there are others beyond these */
            more: boolean;
        };
        Queue: {
            paused: boolean;
            /** @description jobs */
            waiting: number;
            /** @description id of the job that is being drawn */
            running: string | null;
        };
        /** @enum {string} */
        PictureKind: "result" | "grid" | "upload" | "mask" | "intermediate" | "temporary";
        Picture: {
            /** @description path below the output folder */
            name: string;
            url: string;
            thumbnail_url: string;
            kind: components["schemas"]["PictureKind"];
            /** @description Unix milliseconds */
            created: number;
            width: number;
            height: number;
            model: string;
            sampler: string;
            prompt: string;
            seed: number | null;
            steps: number | null;
            starred: boolean;
            /** @description id */
            board: string | null;
        };
        /** @description ready to be posted as a job */
        Recall: {
            prompt: string;
            negative_prompt: string;
            /** @description settings by wire name; GET /settings/schema lists them */
            values: {
                [key: string]: unknown;
            };
        };
        PictureDetails: {
            /** @description path below the output folder */
            name: string;
            url: string;
            thumbnail_url: string;
            kind: components["schemas"]["PictureKind"];
            /** @description Unix milliseconds */
            created: number;
            width: number;
            height: number;
            model: string;
            sampler: string;
            prompt: string;
            seed: number | null;
            steps: number | null;
            starred: boolean;
            /** @description id */
            board: string | null;
            /** @description the sd-metadata object, or what was recognised from other tools */
            metadata: {
                [key: string]: unknown;
            } | null;
            /** @description the command that makes it again, or empty */
            dream: string;
            recall: components["schemas"]["Recall"] | null;
            /** @description the tool that wrote it, or empty */
            source: string;
            /** @description what could not be read */
            notes: string[];
        };
        PictureChange: {
            starred?: boolean;
            /** @description id; null takes it off its board */
            board?: string | null;
        };
        Pictures: {
            images: components["schemas"]["Picture"][];
            /** @description there are others beyond, in the direction asked for */
            more: boolean;
            /** @description cursor for newer_than */
            newest: string | null;
            /** @description cursor for older_than */
            oldest: string | null;
        };
        Count: {
            count: number;
        };
        Import: {
            added: number;
            /** @description there already */
            skipped: number;
            problems: string[];
        };
        BinEntry: {
            /** @description sorts by time of deletion */
            id: string;
            /** @description where the picture was */
            name: string;
        };
        BinEntries: {
            entries: components["schemas"]["BinEntry"][];
            /** @description there are others beyond these */
            more: boolean;
        };
        Board: {
            id: string;
            name: string;
            pictures: number;
        };
        Boards: {
            boards: components["schemas"]["Board"][];
            /** @description there are others beyond these */
            more: boolean;
        };
        Name: {
            name: string;
        };
        Removed: {
            removed: number;
        };
        Preset: {
            name: string;
            prompt: string;
            negative_prompt: string;
            /** @description settings by wire name; GET /settings/schema lists them */
            values: {
                [key: string]: unknown;
            };
        };
        PresetBody: {
            prompt: string;
            negative_prompt?: string;
            /** @description settings by wire name; GET /settings/schema lists them */
            values?: {
                [key: string]: unknown;
            };
        };
        Presets: {
            presets: components["schemas"]["Preset"][];
            /** @description there are others beyond these */
            more: boolean;
        };
        /** @enum {string} */
        ModelState: "active" | "cached" | "not_loaded";
        Model: {
            name: string;
            /** @description sd1, sd1-inpainting, sd2-base, sd2-v, ...; empty before it was loaded */
            kind: string;
            description: string;
            path: string;
            /** @enum {string} */
            format: "diffusers" | "ckpt";
            active: boolean;
            state: components["schemas"]["ModelState"];
            default: boolean;
            /** @description pixels */
            native_width: number;
            /** @description pixels */
            native_height: number;
            /** @description what the model's folder wants it drawn with where a job says nothing, by wire name; absent where it says nothing */
            recommended?: {
                cfg_scale?: number;
                steps?: number;
                sampler_name?: string;
            };
        };
        Models: {
            models: components["schemas"]["Model"][];
            /** @description there are others beyond these */
            more: boolean;
        };
        /** @enum {string} */
        EngineState: "starting" | "loading" | "ready" | "failed";
        Engine: {
            state: components["schemas"]["EngineState"];
            device: string;
            precision: string;
            /** @description why this device and precision */
            reason: string;
            /** @description why it failed, or empty */
            message: string;
        };
        /** @enum {string} */
        Role: "user" | "admin";
        Caller: {
            name: string;
            /** @enum {string} */
            role: "none" | "user" | "admin";
        };
        App: {
            name: string;
            version: string;
            user: components["schemas"]["Caller"];
            users_required: boolean;
            /** @description what this installation can do: upscaling, face_restoration, ... */
            features: {
                [key: string]: boolean;
            };
            infill_methods: string[];
            samplers: string[];
            model: components["schemas"]["Model"] | null;
            engine: components["schemas"]["Engine"];
            output_folder: string;
        };
        /** @enum {string} */
        SettingType: "flag" | "integer" | "real" | "text" | "path" | "words" | "reals" | "integers";
        Setting: {
            /** @description wire name */
            name: string;
            type: components["schemas"]["SettingType"];
            group: string;
            /** @description null: none */
            default: unknown;
            low: number | null;
            high: number | null;
            /** @description the value low itself is not allowed */
            low_open: boolean;
            /** @description whole numbers must be a multiple of this */
            multiple: number;
            /** @description the allowed words; empty: free */
            choices: string[];
            /** @description lists only */
            min_values: number;
            /** @description lists only; 0: any number */
            max_values: number;
            help: string;
        };
        SettingsSchema: {
            settings: components["schemas"]["Setting"][];
        };
        /** @description what the page remembers; at most 256 KiB as JSON */
        Remembered: {
            [key: string]: unknown;
        };
        PromptToRead: {
            prompt: string;
            negative_prompt?: string;
            /** @enum {string} */
            prompt_dialect?: "invoke" | "a1111";
        };
        Note: {
            /** @description from 1, in characters of the prompt; 0: the whole prompt */
            column: number;
            message: string;
        };
        ReadingPart: {
            text: string;
            weight: number;
            tokens: number;
        };
        Reading: {
            tokens: number;
            /** @description tokens of one window */
            limit: number;
            parts: components["schemas"]["ReadingPart"][];
            /** @description as of invokeai --dump_prompt json, see docs/prompts.md */
            tree: {
                [key: string]: unknown;
            } | unknown[];
            notes: components["schemas"]["Note"][];
        };
        Readings: {
            positive: components["schemas"]["Reading"];
            negative: components["schemas"]["Reading"];
        };
        PromptToExpand: {
            prompt: string;
            /** @default 10 */
            count?: number;
            seed?: number;
        };
        Expanded: {
            prompts: string[];
            /** @description how many different ones there are */
            total: number;
        };
        Session: {
            name: string;
            /** @enum {string} */
            role: "none" | "user" | "admin";
            users_required: boolean;
        };
        /** @description name and password of a user, or the server's token */
        Credentials: {
            user?: string;
            password?: string;
            token?: string;
        };
        User: {
            name: string;
            role: components["schemas"]["Role"];
        };
        Users: {
            users: components["schemas"]["User"][];
            /** @description there are others beyond these */
            more: boolean;
        };
        NewUser: {
            /** @description none: that of before */
            password?: string;
            role?: components["schemas"]["Role"];
        };
        Folder: {
            folder: string;
        };
        HelloEvent: {
            revision: number;
            queue: components["schemas"]["Queue"];
            engine: components["schemas"]["Engine"];
            model: components["schemas"]["Model"] | null;
        };
        JobRemovedEvent: {
            id: string;
        };
        ProgressEvent: {
            job: string;
            /** @description index of the picture within the job */
            picture: number;
            pictures: number;
            /** @description evaluations of the network so far, from 1 */
            step: number;
            /** @description true total for this picture */
            steps: number;
            seconds_left: number | null;
        };
        PreviewEvent: {
            job: string;
            picture: number;
            step: number;
            steps: number;
            /** @description of the picture */
            width: number;
            height: number;
            /** @description data:image/png;base64,... */
            image: string;
        };
        PictureEvent: {
            job: string;
            result: components["schemas"]["Result"];
        };
        MessageEvent: {
            job: string | null;
            text: string;
        };
        GalleryEvent: {
            revision: number;
        };
        ModelEvent: {
            model: components["schemas"]["Model"] | null;
            engine: components["schemas"]["Engine"];
        };
        /** @description The data of each event of GET /events, by its name */
        Events: {
            hello: components["schemas"]["HelloEvent"];
            job: components["schemas"]["Job"];
            job_removed: components["schemas"]["JobRemovedEvent"];
            progress: components["schemas"]["ProgressEvent"];
            preview: components["schemas"]["PreviewEvent"];
            picture: components["schemas"]["PictureEvent"];
            message: components["schemas"]["MessageEvent"];
            queue: components["schemas"]["Queue"];
            gallery: components["schemas"]["GalleryEvent"];
            model: components["schemas"]["ModelEvent"];
        };
    };
    responses: {
        /** @description What went wrong */
        Problem: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getApp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What this installation is and can do */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["App"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getSettingsSchema: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every setting a request may hold */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SettingsSchema"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getRemembered: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the page remembers for the asking user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Remembered"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    putRemembered: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Remembered"];
            };
        };
        responses: {
            /** @description Remember this instead */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Remembered"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getPresets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Prompts and settings saved by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Presets"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    putPreset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PresetBody"];
            };
        };
        responses: {
            /** @description Save prompt and settings under this name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Preset"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    deletePreset: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Forget the preset */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    generate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewJob"];
            };
        };
        responses: {
            /** @description Draw and wait for the first picture, or for the whole job with Accept: application/json */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                    "image/png": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getJobs: {
        parameters: {
            query?: {
                state?: components["schemas"]["JobState"];
                /** @description id of a job */
                older_than?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Jobs, the newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Jobs"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    postJob: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewJob"];
            };
        };
        responses: {
            /** @description Hand in a job */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    deleteJobs: {
        parameters: {
            query: {
                /** @description Unix milliseconds */
                finished_before: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Forget jobs that ended before this time, never their pictures */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Removed"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getWaitingJobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Waiting jobs in the order they will run */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Jobs"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One job with its results */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    patchJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobChange"];
            };
        };
        responses: {
            /** @description Change priority or place of a waiting job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    cancelJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancel a job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    retryJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Have a failed or cancelled job wait again */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getJobEvents: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events of one job until it ends */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getQueue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description State of the queue */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    patchQueue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    paused: boolean;
                };
            };
        };
        responses: {
            /** @description Pause the queue or let it go on */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getEvents: {
        parameters: {
            query?: never;
            header?: {
                /** @description revision after which changed jobs are told again */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events of everything; schema Events tells the data of each */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getImages: {
        parameters: {
            query?: {
                kind?: components["schemas"]["PictureKind"];
                /** @description words, or their beginnings, that all stand in the prompt */
                search?: string;
                model?: string;
                sampler?: string;
                width?: number;
                height?: number;
                starred?: boolean;
                /** @description id */
                board?: string;
                /** @description cursor */
                older_than?: string;
                /** @description cursor */
                newer_than?: string;
                skip?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of pictures, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pictures"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    postImage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    file: string;
                    /** @enum {string} */
                    kind?: "upload" | "mask" | "result" | "temporary";
                };
            };
        };
        responses: {
            /** @description Upload a picture */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Picture"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    importImages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Folder"];
            };
        };
        responses: {
            /** @description Take over the pictures of another output folder (admin) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Import"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    countImages: {
        parameters: {
            query?: {
                kind?: components["schemas"]["PictureKind"];
                /** @description words, or their beginnings, that all stand in the prompt */
                search?: string;
                model?: string;
                sampler?: string;
                width?: number;
                height?: number;
                starred?: boolean;
                /** @description id */
                board?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many pictures fit */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Count"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Everything about one picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PictureDetails"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    deleteImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Into the bin */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BinEntry"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    patchImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PictureChange"];
            };
        };
        responses: {
            /** @description Star it, put it on a board */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Picture"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getImageFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": string;
                    "image/jpeg": string;
                    "image/webp": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getImageThumbnail: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A WebP of at most 256 pixels */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/webp": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getBin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted pictures, the last first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BinEntries"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    emptyBin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete them for good (admin) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Removed"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    restoreImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Back to where it was */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Picture"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getBoards: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Boards */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Boards"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    postBoard: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Name"];
            };
        };
        responses: {
            /** @description Make a board */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Board"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    deleteBoard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete the board; its pictures stay */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    patchBoard: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Name"];
            };
        };
        responses: {
            /** @description Rename it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Board"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getModels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Models that can be drawn with */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Models"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    putActiveModel: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Name"];
            };
        };
        responses: {
            /** @description Draw with this model from now on; it loads meanwhile */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Model"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    parsePrompt: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PromptToRead"];
            };
        };
        responses: {
            /** @description How a prompt is understood */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readings"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    expandPrompt: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PromptToExpand"];
            };
        };
        responses: {
            /** @description Variants of a dynamic prompt */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Expanded"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who is asking */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    postSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Credentials"];
            };
        };
        responses: {
            /** @description Log in; answers with a cookie */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    deleteSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Log out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    getUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Users (admin) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Users"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    putUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            /** @description Make or change a user (admin) */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a user (admin) */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
}
